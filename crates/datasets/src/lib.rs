//! Where batches come from: files in the IDX format, files of one's own, points of the plane, and digits that the program draws.
//!
//! ```
//! use datasets::{Batches, Dataset, LastBatch, Presentation};
//! use tensor_core::rng::Random;
//!
//! let set = Dataset::open("moons", 42)?;
//! let order = Random::new(42).stream("data");
//! let batches = Batches::shuffled(&set.train, 256, LastBatch::Drop, Presentation::default(), &order)?;
//! for epoch in 0..2 {
//!     let epoch = batches.epoch(epoch);
//!     for i in 0..epoch.len() {
//!         assert_eq!(epoch.batch(i).shape(), [256, 2]);
//!     }
//! }
//! # Ok::<(), datasets::DataError>(())
//! ```

#![forbid(unsafe_code)]

mod batches;
pub mod csv;
mod dataset;
mod error;
#[cfg(feature = "fetch")]
pub mod fetch;
pub mod glyphs;
pub mod idx;
pub mod images;
pub mod mnist;
mod nearest;
pub mod plane;
mod spec;
mod tenth;

pub use batches::{Batches, Epoch, LastBatch, Presentation, Range};
pub use csv::CsvFault;
pub use dataset::{Dataset, Entry, Split, names};
pub use error::{DataError, IdxFault};
pub use glyphs::Factors;
pub use images::ImageFault;
pub use nearest::nearest;
pub use plane::Modes;
pub use spec::Spec;

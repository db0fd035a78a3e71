//! 07 - the published numbers, again.
//!
//! What is new: nothing but the comparison. Each model's file ends with a `reproduce` that runs a published set-up; this runs them:
//!
//! ```text
//! cargo run --release -p genmodels --example 07_reproduce -- mnist:DIR
//! ```
//!
//! It prints the test loss of PyTorch's example VAE after each of ten epochs of MNIST (left out without the argument), and how a GAN covers
//! eight modes on a circle.

use datasets::Dataset;
use genmodels::{gan, vae};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> std::process::ExitCode {
    match run(std::env::args().nth(1).as_deref()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(data: Option<&str>) -> Outcome {
    match data {
        Some(mnist) if mnist.starts_with("mnist:") => vae_on(&Dataset::open(mnist, 0)?, 10)?,
        Some(other) => {
            return Err(format!("`{other}`: the published numbers are those of MNIST, give mnist:DIR").into());
        }
        None => println!("VAE: give mnist:DIR to run it on MNIST"),
    }
    gan_on_the_ring(15_000)
}

fn vae_on(mnist: &Dataset, epochs: u64) -> Outcome {
    let losses = vae::reproduce(mnist, 1, epochs, |epoch, losses| {
        println!(
            "VAE: epoch {epoch:2}  test loss {:.2} nats per image",
            -losses.get("elbo").unwrap_or(f64::NAN)
        );
    })?;
    let reached = -losses.get("elbo").ok_or("the VAE reports an ELBO")?;
    let [first, second] = vae::PUBLISHED;
    println!("VAE: reached {reached:.2}, published {first} and {second}");
    Ok(())
}

fn gan_on_the_ring(steps: u64) -> Outcome {
    let found = gan::reproduce(&Dataset::open("ring8", 0)?, 0, steps)?;
    let percent = 100.0 * found.high_quality;
    let [(fewest, least), (most, greatest)] = gan::PYTORCH;
    let (least, greatest) = (100.0 * least, 100.0 * greatest);
    println!("GAN: {} of 8 modes, {percent:.0} % of the points near one", found.modes);
    println!("     PyTorch: {fewest} to {most} modes, {least:.0} to {greatest:.0} %");
    Ok(())
}

//! A library of imagined models that only move numbers: what the loop's tests run on.

use crate::config::get;
use crate::errors::Failure;
use crate::library::{DataCard, Diagnosis, Library, ModelCard, Preset, Sample, Summary, Workload};
use crate::pictures::{Images, Pictures};
use crate::run_folder::PastRun;
use crate::signals::Stop;
use genmodels::Losses;
use std::path::Path;
use toml::Table;

/// `vae` makes pictures, `gan` makes points.
pub(crate) struct StandIn;

struct Work {
    images: bool,
    steps: u64,
    /// Diverges at this step, until the learning rate was halved twice.
    diverge_at: i64,
    halvings: u32,
    batch_size: u64,
    seed: u64,
}

impl Library for StandIn {
    fn models(&self) -> Vec<ModelCard> {
        let card = |name, about| ModelCard {
            name,
            about,
            defaults: "[model]\nlatent_dim = 20\nhidden = [400, 400]\nactivation = \"relu\"\ndiverge_at = 0\n\
                       [optimiser]\nlearning_rate = 1e-3\n"
                .parse()
                .expect("fixed text"),
            presets: vec![
                Preset {
                    name: "default",
                    about: "as it comes",
                    settings: Table::new(),
                },
                Preset {
                    name: "small",
                    about: "a small one",
                    settings: "model.hidden = [8]\ntrain.steps = 7".parse().expect("fixed text"),
                },
            ],
        };
        vec![
            card(
                "vae",
                "Variational autoencoder: an encoder and a decoder, trained on the evidence lower bound.",
            ),
            card(
                "gan",
                "Generative adversarial network: a generator against a discriminator.",
            ),
        ]
    }

    fn data_sets(&self) -> Vec<DataCard> {
        vec![
            DataCard {
                name: "glyphs",
                about: "digits that the program draws itself",
            },
            DataCard {
                name: "mnist:DIR",
                about: "MNIST's four IDX files in the folder DIR",
            },
        ]
    }

    fn data_info(&self, spec: &str) -> Result<Vec<(String, String)>, Failure> {
        if spec != "glyphs" {
            return Err(Failure::input(
                format!("there is no data set {spec}"),
                "there is: glyphs",
            ));
        }
        Ok(vec![
            ("training".into(), "512 images of 28 x 28".into()),
            ("test".into(), "64 images of 28 x 28".into()),
        ])
    }

    fn open(&self, model: &str, config: &Table) -> Result<Box<dyn Workload>, Failure> {
        let settings = crate::config::settings(config)?;
        self.data_info(&settings.data.name)?;
        let diverge_at = get(config, "model.diverge_at")
            .and_then(|v| v.as_integer())
            .unwrap_or(0);
        Ok(Box::new(Work {
            images: model == "vae",
            steps: 0,
            diverge_at,
            halvings: 0,
            batch_size: settings.train.batch_size,
            seed: settings.train.seed,
        }))
    }

    fn evaluate(&self, run: &PastRun) -> Result<Option<Losses>, Failure> {
        self.open(&run.model, &run.config)?.evaluate()
    }

    fn draw(&self, run: &PastRun, _: u64, count: usize) -> Result<(Pictures, Option<Pictures>), Failure> {
        let work = self.open(&run.model, &run.config)?;
        Ok((work.sample(count)?, work.backdrop()))
    }
}

/// Numbers in [0, 1) that look random.
fn noise(seed: u64, i: usize) -> f32 {
    let mut x = (seed << 32) ^ i as u64 ^ 0x9e37_79b9_7f4a_7c15;
    for _ in 0..3 {
        x = (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    (x >> 40) as f32 / (1 << 24) as f32
}

impl Work {
    /// A ring somewhere in the picture; sharper the longer it has trained.
    fn rings(&self, seed: u64, count: usize) -> Images {
        let sharp = 1.0 + self.steps as f32 / 8.0;
        let value = |i: usize| {
            let (image, y, x) = (i / 784, (i / 28 % 28) as f32, (i % 28) as f32);
            let at = |k| 9.0 + 10.0 * noise(seed, image * 3 + k);
            let distance = (y - at(0)).hypot(x - at(1)) - 3.0 - 4.0 * noise(seed, image * 3 + 2);
            (1.3 - distance.abs() * sharp / (sharp + 4.0)).clamp(0.0, 1.0)
        };
        Images {
            height: 28,
            width: 28,
            range: (0.0, 1.0),
            values: (0..count * 784).map(value).collect(),
        }
    }

    fn ring(&self, seed: u64, count: usize, spread: f32) -> Vec<[f32; 2]> {
        let point = |i: usize| {
            let angle = (noise(seed, 3 * i) * 8.0).floor() * std::f32::consts::FRAC_PI_4;
            let shift = |k| (noise(seed, 3 * i + k) - 0.5) * spread;
            [angle.cos() + shift(1), angle.sin() + shift(2)]
        };
        (0..count).map(point).collect()
    }

    fn losses(&self, wobble: f32) -> Losses {
        let t = self.steps as f64;
        let noise = f64::from(noise(self.seed, self.steps as usize) - 0.5) * f64::from(wobble);
        if !self.images {
            return Losses::new([
                ("d_loss", 1.386 - 0.3 / (1.0 + t / 9.0) + noise * 0.01),
                ("g_loss", 0.7 + noise * 0.01),
            ]);
        }
        let (reconstruction, kl) = (80.0 + 460.0 / (1.0 + t) + noise, 25.0 * t / (t + 8.0));
        Losses::new([
            ("elbo", -reconstruction - kl),
            ("reconstruction", reconstruction),
            ("kl", kl),
        ])
    }
}

impl Workload for Work {
    fn summary(&self) -> Summary {
        let (sample, data) = if self.images {
            (Sample::Image, "512 images of 28 x 28")
        } else {
            (Sample::Point, "512 points of the plane")
        };
        Summary {
            sample,
            data: data.into(),
            shape: if self.images { vec![28, 28] } else { vec![2] },
            parameters: 964_000,
            batch_size: self.batch_size,
            memory: 10 << 20,
            judged_by: self.images.then_some("elbo"),
            advice: None,
        }
    }

    fn steps_per_epoch(&self) -> u64 {
        512 / self.batch_size
    }

    fn step(&mut self, _: u64, _: u64) -> Result<Losses, Failure> {
        self.steps += 1;
        if self.steps as i64 == self.diverge_at && self.halvings < 2 {
            return Err(Failure::diverged(self.steps, "reconstruction", f64::NAN));
        }
        Ok(self.losses(10.0))
    }

    fn evaluate(&self) -> Result<Option<Losses>, Failure> {
        // It overfits from step 16 on.
        let worse = (self.steps as f64 - 16.0).max(0.0).powi(2);
        let losses = self.losses(0.0);
        let tested = losses.iter().map(|(name, value)| match name {
            "elbo" => (name, value - worse),
            "reconstruction" => (name, value + worse),
            _ => (name, value),
        });
        Ok(self.images.then(|| Losses::new(tested)))
    }

    fn sample(&self, count: usize) -> Result<Pictures, Failure> {
        Ok(if self.images {
            Pictures::Images(self.rings(self.seed, count))
        } else {
            Pictures::Points(self.ring(self.seed, count, 0.2 + 6.0 / (1.0 + self.steps as f32)))
        })
    }

    fn reconstruct(&self, count: usize) -> Result<Option<(Images, Images)>, Failure> {
        let sharp = Work { steps: 9999, ..*self };
        Ok(self.images.then(|| (sharp.rings(7, count), self.rings(7, count))))
    }

    fn backdrop(&self) -> Option<Pictures> {
        (!self.images).then(|| Pictures::Points(self.ring(1, 500, 0.1)))
    }

    fn save(&self, folder: &Path) -> Result<(), Failure> {
        for name in ["model.safetensors", "optimiser.safetensors"] {
            let file = folder.join(name);
            let weights = format!("weights after {} steps", self.steps);
            std::fs::write(&file, weights).map_err(|e| Failure::file("write", &file, &e))?;
        }
        Ok(())
    }

    fn load(&mut self, folder: &Path, step: u64, halvings: u32) -> Result<(), Failure> {
        let file = folder.join("model.safetensors");
        let weights = std::fs::read_to_string(&file).map_err(|e| Failure::file("read", &file, &e))?;
        assert_eq!(weights, format!("weights after {step} steps"));
        (self.steps, self.halvings) = (step, halvings);
        Ok(())
    }

    fn check_finite(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn diagnose(&mut self, loaded: u64, diverged: u64, _: &Stop) -> Result<Option<Diagnosis>, Failure> {
        let text = format!("in step {diverged}: ln gave 1 NaN, repeated from step {loaded}");
        Ok(Some(Diagnosis {
            text,
            detail: Vec::new(),
        }))
    }

    fn fingerprint(&self) -> String {
        self.seed.to_string()
    }
}

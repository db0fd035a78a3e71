use super::*;
use approx::assert_relative_eq;
use nn::{check, state};

fn small(activation: &str) -> Vae {
    let config = Config {
        latent_dim: 3,
        hidden: vec![7, 5],
        activation: activation.to_owned(),
        ..Config::default()
    };
    let vae = Vae::new(11, &config, &mut Random::new(4)).unwrap();
    module::to_dtype(&vae, DType::F64);
    vae
}

fn batch() -> Tensor {
    Random::new(5).uniform([6, 11], DType::F64)
}

fn context() -> Context {
    Context::training(&Random::new(6))
}

#[test]
fn the_networks_have_the_names_and_layouts_of_pytorch() {
    let vae = Vae::new(784, &Config::default(), &mut Random::new(0)).unwrap();
    let shapes: Vec<String> = state::state_dict(&vae)
        .iter()
        .filter(|(name, _)| name.ends_with("weight"))
        .map(|(name, tensor)| format!("{name} {}", tensor.shape()))
        .collect();
    assert_eq!(
        shapes,
        [
            "decoder.0.weight [400, 20]",
            "decoder.2.weight [400, 400]",
            "decoder.4.weight [784, 400]",
            "encoder.0.weight [400, 784]",
            "encoder.2.weight [400, 400]",
            "encoder.4.weight [40, 400]",
        ]
    );
}

#[test]
fn z_is_mu_plus_sigma_times_eps() {
    let (mu, log_var) = (Tensor::from([[1.0, -2.0]]), Tensor::from([[0.0, 4.0f32.ln()]]));
    let z = reparameterise(&mu, &log_var, &Tensor::from([[0.5, 3.0]]));
    assert_relative_eq!(z, Tensor::from([[1.5, 4.0]]), max_relative = 1e-6); // sigma is 1 and 2
}

#[test]
fn the_bound_is_a_bound() {
    // ln p(x) by importance sampling with many z ~ q(z | x) is at least the mean ELBO, and the gap is not only noise.
    let vae = small("tanh");
    let x = batch().narrow(0, 0, 1).expand([4000, 11]);
    let mut cx = context();
    let (mu, log_var) = vae.encode(&x, &mut cx);
    let eps = cx.noise.clone().normal_like(&mu);
    let z = reparameterise(&mu, &log_var, &eps);
    let log_p_x_given_z = bernoulli_log_prob(&vae.decode(&z, &mut cx), &x);
    // ln p(z) - ln q(z | x), without the constants that cancel.
    let log_ratio = (0.5 * (eps.sqr() - z.sqr()) + 0.5 * &log_var).sum(1);
    let log_w = (log_p_x_given_z + log_ratio).to_vec::<f64>();
    let n = log_w.len() as f64;
    let log_p_x = (log_w.iter().map(|w| w.exp()).sum::<f64>() / n).ln();
    let Elbo { log_p_x_given_z, kl } = vae.elbo(&x, &mut cx);
    let elbo = (log_p_x_given_z - kl).mean(..).item();
    let mean_log_w = log_w.iter().sum::<f64>() / n;
    assert!(elbo < log_p_x, "ELBO {elbo}, ln p(x) {log_p_x}");
    assert!(
        (elbo - mean_log_w).abs() < 0.05,
        "the closed form {elbo} and the sampled bound {mean_log_w}"
    );
}

#[test]
fn the_gradient_of_the_whole_loss_is_right() {
    for activation in ["relu", "tanh", "softplus"] {
        let vae = small(activation);
        let loss = || {
            let (reconstruction, kl) = vae.elbo(&batch(), &mut context()).means();
            reconstruction + kl
        };
        check::gradcheck(&vae, loss).unwrap_or_else(|mismatch| panic!("{activation}: {mismatch}"));
    }
}

#[test]
fn a_tiny_batch_is_learnt_by_heart() {
    let config = Config {
        latent_dim: 4,
        hidden: vec![64],
        ..Config::default()
    };
    let vae = Vae::new(16, &config, &mut Random::new(1)).unwrap();
    let x = Tensor::from_slice(&(0..64).map(|i| f32::from(i * 7 % 5 < 2)).collect::<Vec<_>>(), [4, 16]);
    let mut adam = vae.optimisers().remove(0).optimiser;
    adam.set_learning_rate(1e-2);
    let random = Random::new(2);
    for step in 0..1500 {
        vae.train_step(&x, adam.as_mut(), &mut Context::training(&random.at(step)));
    }
    // Four images: ln 4 nats tell which one it is; a good code costs little more.
    let losses = vae.evaluate(&x, &mut Context::evaluation(&random)).unwrap();
    let elbo = losses.get("elbo").unwrap();
    assert!(elbo > -3.0 && elbo <= -(4.0f64.ln()) + 0.5, "elbo {elbo}");
    let again = vae.reconstruct(&x, &mut Context::evaluation(&random)).unwrap();
    assert_relative_eq!(again, x, epsilon = 0.1);
}

#[test]
fn settings_that_make_no_model_are_refused() {
    let no_code = Config {
        latent_dim: 0,
        ..Config::default()
    };
    let message = Vae::new(4, &no_code, &mut Random::new(0)).err().unwrap().to_string();
    assert_eq!(message, "model.latent_dim = 0: a code has at least one dimension");
}

#[test]
fn an_interpolation_runs_from_one_code_to_the_other() {
    let vae = small("relu");
    let mut cx = context();
    let (a, b) = (
        Random::new(1).normal([1, 3], DType::F64),
        Random::new(2).normal([1, 3], DType::F64),
    );
    let path = vae.interpolate(&a, &b, 5, &mut cx);
    assert_eq!(path.shape(), [5, 11]);
    assert_relative_eq!(
        path.narrow(0, 0, 1),
        vae.decode(&a, &mut cx).sigmoid(),
        max_relative = 1e-12
    );
    assert_relative_eq!(
        path.narrow(0, 4, 1),
        vae.decode(&b, &mut cx).sigmoid(),
        max_relative = 1e-12
    );
}

/// Real data, where they are: in the folder that GENMODELS_DATA names, or beside the project.
fn mnist() -> Option<Dataset> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let folder = std::env::var("GENMODELS_DATA").unwrap_or_else(|_| beside.to_owned()) + "/mnist";
    // A set that is there and cannot be read is a failure, not a reason to skip.
    std::path::Path::new(&folder)
        .is_dir()
        .then(|| Dataset::open(&format!("mnist:{folder}"), 0).unwrap())
}

#[test]
fn the_first_epoch_of_pytorchs_example() {
    use std::io::Write;
    let Some(mnist) = mnist() else {
        writeln!(
            std::io::stderr(),
            "skipped: no MNIST in $GENMODELS_DATA/mnist or ../shared/data/mnist"
        )
        .unwrap();
        return;
    };
    let losses = reproduce(&mnist, 0, 1, |_, _| ()).unwrap();
    // Grey values as targets cost at least the entropy of the pixels, 45.53 nats per image of the test set.
    let reconstruction = losses.get("reconstruction").unwrap();
    assert!(reconstruction > 45.53, "{losses:?}");
    // A model that ignores the code has 206 nats; after one epoch published logs show test losses near 128.
    let elbo = losses.get("elbo").unwrap();
    assert!((-131.0..-122.0).contains(&elbo), "{losses:?}");
}

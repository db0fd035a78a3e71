use super::*;
use genmodels::Losses;

fn png(epoch: u64) -> Vec<u8> {
    vec![0x89, b'P', b'N', b'G', epoch as u8]
}

fn html(config: &str, history: &History, shots: u64) -> String {
    html_of(config, history, shots, None)
}

fn html_of(config: &str, history: &History, shots: u64, ended: Option<&Failure>) -> String {
    let place = tempfile::tempdir().unwrap();
    let shot = |epoch| {
        let file = place.path().join(format!("{epoch}.png"));
        fs::write(&file, png(epoch)).unwrap();
        let caption = format!("epoch {epoch}");
        Shot { caption, file }
    };
    let mut page = Vec::new();
    Report {
        model: "vae",
        about: "a <b>model</b>",
        data: "glyphs",
        status: "done",
        ended,
        sample: Sample::Image,
        facts: vec![("CPU".into(), "a \"fast\" & <new> one".into())],
        history,
        samples: &(1..=shots).map(shot).collect::<Vec<_>>(),
        reconstructions: &[],
        config,
    }
    .write_html(&mut page)
    .unwrap();
    String::from_utf8(page).unwrap()
}

fn history() -> History {
    let losses = |i: u64| Losses::new([("elbo", -300.0 / i as f64), ("kl", 25.0)]);
    let mut history = History::default();
    (1..=50).for_each(|i| history.add(i, losses(i)));
    history.add_eval(50, losses(50));
    history
}

#[test]
fn text_is_escaped_everywhere() {
    assert_eq!(
        escape("<a href='x'>\"&\"</a>"),
        "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;"
    );
    let page = html(
        "[data]\nname = \"mnist:</pre><script>alert(1)</script>\"\n",
        &history(),
        1,
    );
    assert_eq!(page.matches("<script>").count(), 1, "only the report's own");
    assert!(page.contains("&lt;/pre&gt;&lt;script&gt;"));
    assert!(page.contains("a &lt;b&gt;model&lt;/b&gt;"));
    assert!(page.contains("a &quot;fast&quot; &amp; &lt;new&gt; one"));
}

#[test]
fn the_file_needs_nothing_else() {
    let page = html("x = 1", &history(), 3);
    // The one address is the name of SVG's namespace, which nobody fetches.
    for found in page.match_indices("http").map(|(i, _)| &page[i..]) {
        assert!(found.starts_with("http://www.w3.org/2000/svg"), "{}", &found[..40]);
    }
    for foreign in ["<link", "@import", "src=\"/", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("prefers-color-scheme: dark"));
    assert!(!page.contains("<?xml"));
}

#[test]
fn pictures_are_inside_and_readable_without_the_script() {
    let page = html("", &history(), 3);
    let encoded = BASE64.encode(png(2));
    assert_eq!(page.matches(&encoded).count(), 1, "once, however it is shown");
    assert!(page.contains("<figcaption>epoch 2</figcaption>"));
    assert!(
        page.contains("class=\"player card\" hidden"),
        "the player waits for the script"
    );
    assert!(!html("", &history(), 0).contains("class=\"strip\""));
}

#[test]
fn losses_have_figures_curves_and_units() {
    let page = html("", &history(), 0);
    assert_eq!(page.matches("<svg viewBox=\"0 0 440 270\"").count(), 2);
    assert!(page.contains("<dt>ELBO</dt><dd>\u{2212}6.00</dd>"));
    assert!(page.contains("test, after 50 steps; losses in nats per image"));
    assert!(page.contains("nats per image"));
    assert!(html("", &History::default(), 0).contains("</html>"));
}

#[test]
fn what_ended_a_run_is_told() {
    let failure = Failure::input("the loss is <NaN>\n  in `encoder.0`", "a smaller learning rate");
    let page = html_of("", &history(), 0, Some(&failure));
    let told =
        "<p class=\"ended card\">the loss is &lt;NaN&gt;\n  in `encoder.0`\n<span>a smaller learning rate</span></p>";
    assert!(page.contains(told));
    assert!(!html("", &history(), 0).contains("class=\"ended"));
}

#[test]
fn only_what_was_measured_is_in_the_legend() {
    assert!(html("", &history(), 0).contains("test, each epoch"));
    let mut untested = History::default();
    untested.add(1, Losses::new([("elbo", -300.0)]));
    assert!(!html("", &untested, 0).contains("test, each epoch"));
}

#[test]
fn every_colour_of_a_curve_follows_the_scheme() {
    let style = include_str!("../report.css");
    let colours = [
        crate::curves::INK,
        crate::curves::RULE,
        crate::curves::TRAIN,
        crate::curves::TEST,
    ];
    for plotters::style::RGBColor(r, g, b) in colours {
        assert!(style.contains(&format!("=\"#{r:02X}{g:02X}{b:02X}\"]")), "{r} {g} {b}");
    }
}

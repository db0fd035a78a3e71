//! `report.html`: a run to look at, in one file that needs no network.

use crate::curves::Curve;
use crate::errors::Failure;
use crate::history::History;
use crate::library::Sample;
use crate::progress::counted;
use crate::quantity::{number, title, unit};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

/// What the report shows.
pub(crate) struct Report<'a> {
    /// The model's name.
    pub(crate) model: &'a str,
    /// One line about the model.
    pub(crate) about: &'a str,
    /// The data set, in words.
    pub(crate) data: &'a str,
    /// "running", "done", "interrupted", "diverged" or "failed".
    pub(crate) status: &'a str,
    /// What ended the run before it was done, and what to do about it.
    pub(crate) ended: Option<&'a Failure>,
    /// What one sample is.
    pub(crate) sample: Sample,
    /// Lines of (fact, value).
    pub(crate) facts: Vec<(String, String)>,
    /// The losses.
    pub(crate) history: &'a History,
    /// Samples, the oldest first.
    pub(crate) samples: &'a [Shot],
    /// Reconstructions, the oldest first.
    pub(crate) reconstructions: &'a [Shot],
    /// The resolved configuration.
    pub(crate) config: &'a str,
}

/// A PNG with its caption.
pub(crate) struct Shot {
    /// Such as "epoch 3".
    pub(crate) caption: String,
    /// Where it lies.
    pub(crate) file: PathBuf,
}

impl Report<'_> {
    /// Writes the whole page, picture by picture: however many there are, the memory is that of one.
    pub(crate) fn write_html(&self, html: &mut dyn Write) -> io::Result<()> {
        let heading = format!("{} on {}", self.model, self.data);
        write!(
            html,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
            escape(&heading),
            include_str!("report.css")
        )?;
        self.header(html)?;
        let kind = match self.sample {
            Sample::Image => "samples",
            Sample::Point => "samples cloud",
        };
        pictures(html, "Samples over time", self.samples, kind)?;
        self.curves(html)?;
        let reconstructed = "Test data and what the model makes of it";
        pictures(html, reconstructed, self.reconstructions, "wide")?;
        self.tables(html)?;
        let script = include_str!("report.js");
        write!(html, "</main>\n<script>\n{script}</script>\n</body>\n</html>\n")
    }

    fn header(&self, html: &mut dyn Write) -> io::Result<()> {
        write!(
            html,
            "<header>\n<p class=\"kicker\">genlab run <span class=\"status {0}\">{0}</span></p>\n\
             <h1>{1} <span>on {2}</span></h1>\n<p class=\"about\">{3}</p>\n",
            escape(self.status),
            escape(self.model),
            escape(self.data),
            escape(self.about)
        )?;
        if let Some(failure) = self.ended {
            let (what, hint) = (escape(failure.message()), escape(failure.what_to_do()));
            write!(html, "<p class=\"ended card\">{what}\n<span>{hint}</span></p>\n")?;
        }
        if let Some((step, losses)) = self.history.last_eval().or(self.history.last()) {
            let split = if self.history.last_eval().is_some() {
                "test"
            } else {
                "last step"
            };
            html.write_all(b"<dl class=\"figures\">\n")?;
            for (name, value) in losses.iter() {
                writeln!(
                    html,
                    "<div><dt>{}</dt><dd>{}</dd></div>",
                    escape(&title(name)),
                    number(name, value).replace('-', "\u{2212}")
                )?;
            }
            write!(
                html,
                "</dl>\n<p class=\"note\">{split}, after {}; losses in nats per {}</p>\n",
                counted(*step, "step"),
                self.sample
            )?;
        }
        html.write_all(b"</header>\n")
    }

    fn curves(&self, html: &mut dyn Write) -> io::Result<()> {
        let names = self.history.names();
        if names.is_empty() {
            return Ok(());
        }
        let training = match self.history.stretch() {
            1 => "training, each step".to_owned(),
            n => format!("training, mean of {n} steps"),
        };
        let test = match self.history.last_eval() {
            Some(_) => "<span class=\"test\">test, each epoch</span>",
            None => "",
        };
        write!(
            html,
            "<section>\n<h2>Losses</h2>\n<p class=\"key\"><span class=\"train\">{training}</span>{test}</p>\n\
             <div class=\"curves\">\n"
        )?;
        for name in names {
            let (train, test) = (self.history.training(name), self.history.test(name));
            let curve = Curve {
                train: &train,
                test: &test,
                unit: &unit(name, self.sample),
            };
            write!(
                html,
                "<figure class=\"card\">\n<figcaption>{}</figcaption>\n{}\n</figure>\n",
                escape(&title(name)),
                responsive(&curve.to_svg())
            )?;
        }
        html.write_all(b"</div>\n</section>\n")
    }

    fn tables(&self, html: &mut dyn Write) -> io::Result<()> {
        html.write_all(b"<section class=\"two\">\n<div>\n<h2>The run</h2>\n<table class=\"card\">\n")?;
        for (fact, value) in &self.facts {
            writeln!(html, "<tr><th>{}</th><td>{}</td></tr>", escape(fact), escape(value))?;
        }
        write!(
            html,
            "</table>\n</div>\n<div>\n<h2>Configuration</h2>\n<pre class=\"card\">{}</pre>\n</div>\n</section>\n",
            escape(self.config.trim_end())
        )
    }
}

/// A player, which needs the script, and all pictures side by side, which need nothing.
fn pictures(html: &mut dyn Write, heading: &str, shots: &[Shot], class: &str) -> io::Result<()> {
    if shots.is_empty() {
        return Ok(());
    }
    write!(
        html,
        "<section class=\"pictures {class}\">\n<h2>{}</h2>\n",
        escape(heading)
    )?;
    html.write_all(
        b"<div class=\"stage\">\n<div class=\"player card\" hidden>\n<img alt=\"\">\n<div class=\"controls\">\
         <button type=\"button\">Play</button>\
         <input type=\"range\" min=\"0\" value=\"0\" aria-label=\"Which picture\">\
         <output></output></div>\n</div>\n<div class=\"strip\">\n",
    )?;
    for shot in shots {
        let png = fs::read(&shot.file)?;
        writeln!(
            html,
            "<figure><img alt=\"{0}\" loading=\"lazy\" src=\"data:image/png;base64,{1}\">\
             <figcaption>{0}</figcaption></figure>",
            escape(&shot.caption),
            BASE64.encode(&png)
        )?;
    }
    html.write_all(b"</div>\n</div>\n</section>\n")
}

/// Text as HTML, safe between tags and inside quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// An SVG that takes the width of its place.
fn responsive(svg: &str) -> String {
    let start = svg.find("<svg").unwrap_or(0);
    let end = svg[start..].find('>').map_or(svg.len(), |i| start + i);
    let number = |name: &str| -> Option<&str> {
        let rest = svg[start..end].split(&format!("{name}=\"")).nth(1)?;
        rest.split('"').next()
    };
    let (width, height) = (number(" width").unwrap_or("440"), number(" height").unwrap_or("270"));
    format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\"{}",
        &svg[end..]
    )
}

#[cfg(test)]
mod tests;

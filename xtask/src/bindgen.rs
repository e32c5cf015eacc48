//! From the compiler's module to what browsers load: the module and the script that binds it to the page.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};
use wasm_bindgen_cli_support::Bindgen;

use crate::Build;

/// What rustc lets a module for `wasm32-unknown-unknown` use, in wasm-opt's words.
const FEATURES: [&str; 6] =
    ["bulk-memory", "multivalue", "mutable-globals", "nontrapping-float-to-int", "reference-types", "sign-ext"];

/// A client as browsers load it.
pub struct Client {
    pub script: Vec<u8>,
    pub module: Vec<u8>,
}

/// Binds a module to the page; for a release, `wasm-opt` then makes it smaller.
///
/// # Errors
/// When the module was compiled with another wasm-bindgen, or `wasm-opt` fails.
pub fn bind(module: &Path, name: &str, folder: &Path, build: Build) -> Result<Client> {
    let mut output = Bindgen::new()
        .input_path(module)
        .out_name(name)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()
        .with_context(|| format!("wasm-bindgen cannot read {}", module.display()))?;
    if output.snippets().values().any(|snippets| !snippets.is_empty()) || !output.local_modules().is_empty() {
        bail!("{name} brings scripts of its own along, which the site has no place for");
    }
    let script = output.js().as_bytes().to_vec();
    let bound = output.wasm_mut().emit_wasm();
    let module = match build {
        Build::Quick => bound,
        Build::Release => optimise(&bound, folder)?,
    };
    Ok(Client { script, module })
}

/// `wasm-opt -Oz`, as Binaryen's package on npm brings it.
fn optimise(module: &[u8], folder: &Path) -> Result<Vec<u8>> {
    let (from, to) = (folder.join("bound.wasm"), folder.join("small.wasm"));
    fs::write(&from, module)?;
    let status = Command::new("wasm-opt")
        .args(["-Oz", "--output"])
        .args(FEATURES.map(|feature| format!("--enable-{feature}")))
        .args([&to, &from])
        .status()
        .context("wasm-opt does not start; 'scripts/setup' installs it")?;
    if !status.success() {
        bail!("wasm-opt failed");
    }
    let small = fs::read(&to)?;
    fs::remove_file(from)?;
    fs::remove_file(to)?;
    Ok(small)
}

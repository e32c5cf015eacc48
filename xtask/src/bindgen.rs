//! Runs wasm-bindgen and wasm-opt: turns a compiled client into the module and the script that browsers load.
//!
//! Browsers, caches and old documents may bring the files of two builds together, which must not run: one's functions
//! have other numbers and types than the other's. Hence a script loads the module of its build by itself, and each module
//! imports its functions under a name of its build, without which a script cannot load it.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};
use walrus::{FunctionBuilder, FunctionKind, Module};
use wasm_bindgen_cli_support::Bindgen;

use crate::{Build, content_hash, tool};

/// The WebAssembly features that rustc uses for `wasm32-unknown-unknown`, as wasm-opt names them.
const FEATURES: [&str; 6] =
    ["bulk-memory", "multivalue", "mutable-globals", "nontrapping-float-to-int", "reference-types", "sign-ext"];

/// Options for the smallest compressed size. The skipped passes make the module smaller, but its compressed form larger:
/// 2,339,824 bytes instead of 2,534,050, but 597,286 instead of 583,608 compressed. `--low-memory-unused` relies on
/// Rust's stack being at the bottom of memory: no valid address is below 1,024.
const SMALLER: [&str; 7] = [
    "--low-memory-unused",
    "-Oz",
    "--one-caller-inline-max-function-size=0",
    "--skip-pass=merge-similar-functions",
    "--skip-pass=code-folding",
    "--skip-pass=local-cse",
    "--skip-pass=simplify-locals",
];

/// Whether a function belongs to lazy hydration of type-erased views, which Aldis never uses. Leptos calls it only for
/// `hydrate_lazy` and `FlatRoutes`, but every view type refers to it, so the compiler cannot remove it. Other functions
/// of lazy hydration are kept, as the compiler may have merged them with functions in use.
fn is_lazy_hydration(name: &str) -> bool {
    name.contains("into_any")
        && name.split_once("hydrate_async").is_some_and(|(_, rest)| rest.matches("closure").count() == 1)
}

/// What a script exports for its documents, in wasm-bindgen's words.
const EXPORTS: &str = "export { initSync, __wbg_init as default };";

/// The files of a client that browsers load.
pub struct Client {
    script: String,
    pub module: Vec<u8>,
}

impl Client {
    /// The script, which loads the module from a file of this name beside it.
    ///
    /// # Errors
    /// If wasm-bindgen's script is not as expected.
    pub fn script(&self, module: &str) -> Result<String> {
        let (before, after) =
            self.script.rsplit_once(EXPORTS).context("wasm-bindgen's script exports something else")?;
        let load = format!("__wbg_init({{ module_or_path: new URL(\"{module}\", import.meta.url) }})");
        Ok(format!("{before}export default () => {load};{after}"))
    }
}

/// Runs wasm-bindgen on a module and, for a release, wasm-opt.
///
/// # Errors
/// If the module was compiled with another version of wasm-bindgen, or wasm-opt fails.
pub fn bind(module: &Path, name: &str, folder: &Path, build: Build) -> Result<Client> {
    let compiled = fs::read(module).with_context(|| format!("{} cannot be read", module.display()))?;
    let mut output = Bindgen::new()
        .input_path(module)
        .out_name(&format!("{name}-{}", content_hash(&compiled)))
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()
        .with_context(|| format!("wasm-bindgen cannot read {}", module.display()))?;
    if output.snippets().values().any(|snippets| !snippets.is_empty()) || !output.local_modules().is_empty() {
        bail!("{name} has JavaScript snippets, which the site does not support");
    }
    let script = output.js().to_owned();
    empty_unused(output.wasm_mut());
    let bound = output.wasm_mut().emit_wasm();
    let module = match build {
        Build::Quick => bound,
        Build::Release => optimise(&bound, folder)?,
    };
    Ok(Client { script, module })
}

/// Empties functions that are never called, 5 % of the client.
fn empty_unused(module: &mut Module) {
    let unused: Vec<_> = module
        .funcs
        .iter_local()
        .filter(|(id, _)| module.funcs.get(*id).name.as_deref().is_some_and(is_lazy_hydration))
        .map(|(id, function)| (id, function.ty()))
        .collect();
    for (id, kind) in unused {
        let (params, results) = module.types.params_results(kind);
        let (params, results) = (params.to_vec(), results.to_vec());
        let mut builder = FunctionBuilder::new(&mut module.types, &params, &results);
        builder.func_body().unreachable();
        let locals = params.iter().map(|param| module.locals.add(*param)).collect();
        module.funcs.get_mut(id).kind = FunctionKind::Local(builder.local_func(locals));
    }
    walrus::passes::gc::run(module);
}

/// Runs `wasm-opt` from Binaryen's npm package.
fn optimise(module: &[u8], folder: &Path) -> Result<Vec<u8>> {
    let (from, to) = (folder.join("bound.wasm"), folder.join("small.wasm"));
    fs::write(&from, module)?;
    let status = Command::new(tool("wasm-opt"))
        .args(SMALLER)
        .args(FEATURES.map(|feature| format!("--enable-{feature}")))
        .arg(&from)
        .arg("--output")
        .arg(&to)
        .status()
        .context("wasm-opt cannot be started; 'scripts/setup' installs it")?;
    if !status.success() {
        bail!("wasm-opt failed");
    }
    let small = fs::read(&to)?;
    fs::remove_file(from)?;
    fs::remove_file(to)?;
    Ok(small)
}

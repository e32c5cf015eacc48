//! Builds the site in `target/site`: the files of `public`, and in `pkg` the clients and the styles, named by content
//! hash and precompressed.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{Build, bindgen, cargo, content_hash, tool};

/// The folder that the server embeds (`src/main.rs`).
const SITE: &str = "target/site";

/// The name by which the server finds the styles (`src/server/http/assets.rs`).
const STYLES: &str = "aldis";

/// The clients: the package, and the name by which the server finds it.
const CLIENTS: [(&str, &str); 1] = [("aldis-client", "aldis")];

/// The sources of the styles and the copied files.
const SOURCES: [&str; 3] = ["style", "src/app", "public"];

/// Builds the site, unless it is up to date.
pub fn build(build: Build) -> Result<()> {
    let mut modules = Vec::new();
    for (package, name) in CLIENTS {
        modules.push((name, cargo::client(package, build)?));
    }

    let stamp = cargo::target_dir().join("site.stamp");
    let fingerprint = fingerprint(build, modules.iter().map(|(_, module)| module))?;
    if fs::read_to_string(&stamp).is_ok_and(|known| known == fingerprint) && Path::new(SITE).is_dir() {
        return Ok(());
    }

    // Built beside the old site, which may be in use.
    let new = PathBuf::from(SITE).with_extension("new");
    remove(&new)?;
    copy("public".as_ref(), &new)?;
    let pkg = new.join("pkg");
    fs::create_dir_all(&pkg)?;
    for (name, module) in modules {
        let client = bindgen::bind(&module, name, &new, build)?;
        let module = write_hashed(&pkg, name, "wasm", &client.module)?;
        write_hashed(&pkg, name, "js", client.script(&module)?.as_bytes())?;
    }
    write_hashed(&pkg, STYLES, "css", &styles(&new)?)?;
    compress(&new, build)?;

    remove(SITE.as_ref())?;
    fs::rename(&new, SITE).with_context(|| format!("{SITE} could not be replaced"))?;
    fs::write(stamp, fingerprint)?;
    Ok(())
}

/// A hash of all inputs of the site, this program included.
fn fingerprint<'a>(build: Build, modules: impl Iterator<Item = &'a PathBuf>) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    build.profile().hash(&mut hasher);
    let mut files: Vec<PathBuf> = modules.cloned().collect();
    files.push(std::env::current_exe()?);
    for folder in SOURCES {
        walk(folder.as_ref(), &mut files)?;
    }
    for file in files {
        file.hash(&mut hasher);
        fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// The files below a folder, sorted, without `node_modules`.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        match entry.file_type()? {
            kind if !kind.is_dir() => files.push(entry.path()),
            _ if entry.file_name() == "node_modules" => {}
            _ => walk(&entry.path(), files)?,
        }
    }
    Ok(())
}

fn styles(folder: &Path) -> Result<Vec<u8>> {
    let output = folder.join("styles.css");
    let tailwind = Command::new(tool("tailwindcss"))
        .args(["--minify", "--input", "style/tailwind.css", "--output"])
        .arg(&output)
        .output()
        .context("tailwindcss cannot be started; 'scripts/setup' installs it")?;
    if !tailwind.status.success() {
        bail!("tailwindcss failed:\n{}", String::from_utf8_lossy(&tailwind.stderr));
    }
    let css = fs::read(&output)?;
    fs::remove_file(output)?;
    Ok(css)
}

/// Writes `NAME.HASH.EXTENSION`, and returns that name. The server serves it in place of those of other builds
/// (`src/server/http/assets.rs`).
fn write_hashed(folder: &Path, name: &str, extension: &str, content: &[u8]) -> Result<String> {
    let file = format!("{name}.{}.{extension}", content_hash(content));
    fs::write(folder.join(&file), content)?;
    Ok(file)
}

/// Adds compressed files, with Node's zlib: at best quality for a release, quickly otherwise.
fn compress(folder: &Path, build: Build) -> Result<()> {
    let quality = match build {
        Build::Quick => "4",
        Build::Release => "11",
    };
    let mut files = Vec::new();
    walk(folder, &mut files)?;
    let script = "xtask/compress.mjs";
    let status =
        Command::new("node").arg(script).arg(quality).args(files).status().context("node cannot be started")?;
    if !status.success() {
        bail!("{script} failed");
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} could not be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

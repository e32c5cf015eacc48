//! Rendered documents in a folder.

use axum::body::Bytes;
use futures::{future::join_all, poll};

use super::{
    super::{DocumentBytes, PageDirectory, PageFile, WrittenFile},
    *,
};

fn bytes(text: &str) -> DocumentBytes {
    let encoded = |encoding: &str| Bytes::from(format!("{text}{encoding}"));
    DocumentBytes { identity: encoded(""), br: encoded(" br"), gzip: encoded(" gz") }
}

/// Writes the first organization's page, which says its number.
async fn write(pages: &PageDirectory, seq: Seq) {
    pages.write(organization(1), &slug("acme"), PageFile::Page, revision(seq), bytes(&seq.to_string())).await;
}

fn read(folder: &Path, file: &str) -> Option<String> {
    fs::read_to_string(folder.join(file)).ok()
}

#[tokio::test]
async fn a_page_is_written_in_every_encoding_for_everybody_to_read() {
    let root = folder();
    let pages = PageDirectory::new(root.clone());
    write(&pages, 7).await;
    pages.write(organization(1), &slug("acme"), PageFile::Status, revision(7), bytes("{}")).await;
    for (folder, name, text) in [("public/acme", "index.html", "7"), ("api/public/acme", "status.json", "{}")] {
        let folder = root.join(folder);
        let files = [(name.to_owned(), text.to_owned()), (format!("{name}.br"), format!("{text} br"))];
        for (name, text) in files.into_iter().chain([(format!("{name}.gz"), format!("{text} gz"))]) {
            assert_eq!(read(&folder, &name), Some(text), "{name}");
            #[cfg(unix)]
            assert_eq!(mode(&folder.join(name)), 0o644);
        }
        assert_eq!(names(&folder).len(), 4, "{:?}", names(&folder));
        #[cfg(unix)]
        assert!(folder.ancestors().take_while(|folder| *folder != root).all(|folder| mode(folder) == 0o755));
    }
    assert_eq!(names(&root), ["api", "public"]);
}

#[tokio::test]
async fn a_document_never_replaces_a_newer_one() {
    let root = folder();
    let pages = PageDirectory::new(root.clone());
    let held = pages.hold_disk().await;
    let mut writes = Box::pin(join_all((1..=30).map(|n| n * 17 % 31).map(|seq| write(&pages, seq))));
    assert!(poll!(&mut writes).is_pending());
    drop(held);
    writes.await;
    write(&pages, 29).await;
    assert_eq!(read(&root, "public/acme/index.html.br").as_deref(), Some("30 br"));
    // Drawn once more, at a later time of day.
    pages.write(organization(1), &slug("acme"), PageFile::Page, revision(30), bytes("tomorrow")).await;
    assert_eq!(read(&root, "public/acme/index.html").as_deref(), Some("tomorrow"));
}

#[tokio::test]
async fn a_document_that_cannot_be_replaced_is_removed_in_every_encoding() {
    let root = folder();
    let pages = PageDirectory::new(root.clone());
    write(&pages, 1).await;
    let acme = root.join("public/acme");
    // In the way of one encoding.
    fs::create_dir(acme.join("other")).expect("a folder");
    fs::remove_file(acme.join("index.html.gz")).expect("removed");
    fs::create_dir_all(acme.join("index.html.gz/full")).expect("a folder in its place");
    write(&pages, 2).await;
    assert_eq!(names(&acme), ["index.html.gz", "other"]);
    fs::remove_dir_all(acme.join("index.html.gz")).expect("removed");
    write(&pages, 1).await;
    assert_eq!(names(&acme), ["other"], "it comes too late");
    write(&pages, 2).await;
    assert_eq!(read(&acme, "index.html").as_deref(), Some("2"));
}

#[tokio::test]
async fn what_was_removed_does_not_return() {
    let root = folder();
    let pages = PageDirectory::new(root.clone());
    write(&pages, 4).await;
    pages.write(organization(1), &slug("acme"), PageFile::Status, revision(6), bytes("{}")).await;
    pages.write(organization(2), &slug("acme-2"), PageFile::Page, revision(1), bytes("other")).await;
    let held = pages.hold_disk().await;
    let acme = slug("acme");
    let (mut late, mut remove) = (Box::pin(write(&pages, 5)), Box::pin(pages.remove(&acme, revision(6))));
    assert!(poll!(&mut late).is_pending() && poll!(&mut remove).is_pending());
    drop(held);
    tokio::join!(late, remove);
    write(&pages, 5).await;
    assert_eq!(names(&root.join("public")), ["acme-2"]);
    assert_eq!(names(&root.join("api/public")), ["acme"], "it is of that number itself");
    write(&pages, 6).await;
    assert_eq!(read(&root, "public/acme/index.html").as_deref(), Some("6"));

    pages.remove(&slug("acme"), Revision::end_of(1)).await;
    assert_eq!((names(&root.join("public")), names(&root.join("api/public")).len()), (vec!["acme-2".to_owned()], 0));
}

#[tokio::test]
async fn a_page_with_a_new_slug_leaves_nothing_under_the_old_one() {
    let root = folder();
    let pages = PageDirectory::new(root.clone());
    write(&pages, 1).await;
    pages.write(organization(1), &slug("acme"), PageFile::Status, revision(1), bytes("{}")).await;
    pages.write(organization(1), &slug("acme-cloud"), PageFile::Page, revision(2), bytes("new")).await;
    assert_eq!(names(&root.join("public")), ["acme-cloud"]);
    assert_eq!(names(&root.join("api/public")), [] as [&str; 0]);
}

#[tokio::test]
async fn after_a_start_every_document_is_listed_with_its_number() {
    let root = folder();
    write(&PageDirectory::new(root.clone()), 3).await;
    fs::create_dir_all(root.join("api/public/half-written")).expect("a folder");
    fs::write(root.join("api/public/half-written/status.json"), "{").expect("written");
    fs::write(root.join("public/acme/.index.html.4711"), "left by a killed process").expect("written");
    fs::create_dir_all(root.join("public/Not a slug")).expect("a folder");
    let pages = PageDirectory::new(root.clone());
    let acme = WrittenFile { slug: slug("acme"), file: PageFile::Page, origin: Some((organization(1), revision(3))) };
    let half = WrittenFile { slug: slug("half-written"), file: PageFile::Status, origin: None };
    assert_eq!(pages.written().await, [acme, half]);
    pages.remove(&slug("half-written"), revision(1)).await;
    write(&pages, 4).await;
    assert_eq!(names(&root.join("api/public")), [] as [&str; 0]);
    assert_eq!(names(&root.join("public/acme")), [".revision", "index.html", "index.html.br", "index.html.gz"]);
}

//! Writes each page and its state as JSON to a folder, for a web server or a CDN (`ALDIS_SNAPSHOT_DIR`).

use std::{collections::HashMap, sync::Arc};

use super::{Address, Kind, PublicCache, document::Document, encoding::Encoding};
use crate::{
    model::{OrganizationId, Result, Slug},
    server::{
        domain::System,
        live::versions::Change,
        snapshots::{DocumentBytes, PageDirectory, PageFile, Revision},
    },
};

/// The documents that are written.
const WRITTEN: [(Kind, PageFile); 2] = [(Kind::Page, PageFile::Page), (Kind::Status, PageFile::Status)];

impl PublicCache {
    /// Writes a document in the background, if it is one of those that are written.
    pub(super) fn publish(&self, document: &Arc<Document>) {
        let file = WRITTEN.into_iter().find(|(kind, _)| *kind == document.address.kind);
        let (Some(directory), Some((_, file))) = (self.inner.directory.clone(), file) else { return };
        let (document, epoch) = (Arc::clone(document), self.inner.domain.epoch());
        let organization = document.origin.version.organization();
        self.follow(organization);
        let cache = self.clone();
        tokio::spawn(async move {
            let revision = Revision { epoch, seq: document.seq };
            let slug = document.address.slug.clone();
            let compressed = cache.inner.compressing.lock().await.run(move || bytes_of(&document)).await;
            match compressed {
                Ok(Ok(bytes)) => directory.write(organization, &slug, file, revision, bytes).await,
                Ok(Err(_)) | Err(_) => directory.remove(&slug, revision).await,
            }
        });
    }

    /// Makes the documents of a changed organization for the folder, also if nobody has asked for them.
    pub(super) fn publish_change(&self, organization: OrganizationId, change: Change) {
        let Some(directory) = self.inner.directory.clone() else { return };
        let cache = self.clone();
        tokio::spawn(async move {
            let system = cache.inner.domain.system();
            let Ok(Some(slug)) = system.slug_of(organization).await else { return };
            if change.is_erased {
                let before = Revision { epoch: cache.inner.domain.epoch(), seq: change.newest };
                directory.remove(&slug, before).await;
            }
            cache.make_files(&slug).await;
        });
    }

    /// Makes whatever the folder lacks, and removes the files of pages that no longer exist.
    pub(super) async fn publish_all(&self) {
        let Some(directory) = &self.inner.directory else { return };
        if let Err(error) = self.publish_missing(directory).await {
            tracing::warn!(%error, "not all pages could be written to ALDIS_SNAPSHOT_DIR; changes will be");
        }
    }

    async fn publish_missing(&self, directory: &PageDirectory) -> Result<()> {
        let epoch = self.inner.domain.epoch();
        let mut written: HashMap<Slug, Vec<Option<(OrganizationId, Revision)>>> = HashMap::new();
        for file in directory.written().await {
            written.entry(file.slug).or_default().push(file.origin);
        }
        let (system, mut last): (System, _) = (self.inner.domain.system(), None);
        loop {
            let pages = system.public_pages(last).await?;
            let Some((id, ..)) = pages.last() else { break };
            last = Some(*id);
            for (organization, slug, seq) in pages {
                let present = Some((organization, Revision { epoch, seq }));
                let files = written.remove(&slug).unwrap_or_default();
                if files.len() < WRITTEN.len() || files.iter().any(|origin| *origin != present) {
                    self.make_files(&slug).await;
                } else {
                    self.follow(organization).seen(seq);
                }
            }
        }
        for slug in written.into_keys() {
            directory.remove(&slug, Revision::end_of(epoch)).await;
        }
        Ok(())
    }

    async fn make_files(&self, slug: &Slug) {
        for (kind, _) in WRITTEN {
            let address = Address { slug: slug.clone(), kind };
            // What cannot be made now is made with the next change.
            if let Err(error) = self.next(&address, &address.path()).await {
                tracing::warn!(%error, %slug, "a page could not be written to ALDIS_SNAPSHOT_DIR");
            }
        }
    }
}

fn bytes_of(document: &Document) -> Result<DocumentBytes> {
    let all = document.with(Encoding::Identity)?.with(Encoding::Gzip)?;
    let body = |encoding| all.representation(encoding).map(|it| it.body().clone()).unwrap_or_default();
    Ok(DocumentBytes { identity: body(Encoding::Identity), br: body(Encoding::Brotli), gzip: body(Encoding::Gzip) })
}

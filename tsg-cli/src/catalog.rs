//! Images, packages and networks by name.
//!
//! Owns which one a name means. Ids are taken as they are; CloudAPI judges them when an instance is made.

use std::fmt::Display;

use tokio::sync::OnceCell;
use tsg_cloudapi::client::{Client, ClientError};
use tsg_cloudapi::wire::Image;
use uuid::Uuid;

use crate::cloud;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::listing::is_uuid;

/// What CloudAPI offers to the user. It is asked only when a name has to be looked up.
pub(crate) struct Catalog<'a> {
    context: &'a Context,
    client: OnceCell<Client>,
}

impl<'a> Catalog<'a> {
    /// The catalogue of the profile's data centre.
    pub(crate) fn of(context: &'a Context) -> Self {
        Self { context, client: OnceCell::new() }
    }

    /// The id of an image: `name`, `name@version`, or an id.
    pub(crate) async fn image(&self, wanted: &str) -> Result<String, Failure> {
        if is_uuid(wanted) {
            return Ok(wanted.to_owned());
        }
        let images = self.client().await?.images().await.map_err(|error| unlisted("image", &error))?;
        let newest = newest(&images, wanted).map(|image| image.id);
        newest.map(|id| id.to_string()).ok_or_else(|| unknown("image", wanted, "triton image list"))
    }

    /// The id of a package.
    pub(crate) async fn package(&self, wanted: &str) -> Result<String, Failure> {
        if is_uuid(wanted) {
            return Ok(wanted.to_owned());
        }
        let packages = self.client().await?.packages().await.map_err(|error| unlisted("package", &error))?;
        let named = packages.iter().filter(|package| package.name == wanted).map(|package| package.id);
        only("package", wanted, "triton package list", named)
    }

    /// The id of a network.
    pub(crate) async fn network(&self, wanted: &str) -> Result<String, Failure> {
        if is_uuid(wanted) {
            return Ok(wanted.to_owned());
        }
        let networks = self.client().await?.networks().await.map_err(|error| unlisted("network", &error))?;
        let named = networks.iter().filter(|network| network.name == wanted).map(|network| network.id);
        only("network", wanted, "triton network list", named)
    }

    async fn client(&self) -> Result<&Client, Failure> {
        self.client
            .get_or_try_init(|| async {
                let profile = self.context.profile()?;
                self.context.cloud(&profile).await
            })
            .await
    }
}

/// The newest image of a name, or the one of a name and version: what node-triton takes.
fn newest<'i>(images: &'i [Image], wanted: &str) -> Option<&'i Image> {
    let is_wanted = |image: &&Image| match wanted.rsplit_once('@') {
        Some((name, version)) => image.name == name && image.version == version,
        None => image.name == wanted,
    };
    images.iter().filter(is_wanted).max_by(|one, other| one.published_at.cmp(&other.published_at))
}

fn only(kind: &str, wanted: &str, listing: &str, mut named: impl Iterator<Item = Uuid>) -> Result<String, Failure> {
    match (named.next(), named.next()) {
        (Some(id), None) => Ok(id.to_string()),
        (None, _) => Err(unknown(kind, wanted, listing)),
        (Some(_), Some(_)) => Err(Failure::new(Exit::Refused, format!("cannot choose the {kind} {wanted:?}"))
            .why("there are several of that name")
            .next(format!("give its id; see `{listing}`"))),
    }
}

fn unknown(kind: &str, wanted: &str, listing: &str) -> Failure {
    Failure::new(Exit::NotFound, format!("there is no {kind} {wanted:?} in the data centre"))
        .next(format!("see `{listing}`"))
}

fn unlisted(kind: impl Display, error: &ClientError) -> Failure {
    cloud::failure(format!("cannot look up the {kind} by name"), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(id: u128, name: &str, version: &str, published_at: &str) -> Image {
        let text = format!(
            r#"{{"id":"{}","name":"{name}","version":"{version}","os":"smartos","type":"zone-dataset","state":"active","published_at":"{published_at}"}}"#,
            Uuid::from_u128(id)
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn a_name_means_the_newest_image_and_a_version_that_one() {
        let images = [
            image(1, "base", "1.0", "2024-01-01T00:00:00Z"),
            image(2, "base", "2.0", "2025-01-01T00:00:00Z"),
            image(3, "other", "9", "2026-01-01T00:00:00Z"),
        ];
        let found = |wanted| newest(&images, wanted).map(|image| image.id.as_u128());
        assert_eq!((found("base"), found("base@1.0"), found("base@3"), found("bas")), (Some(2), Some(1), None, None));
    }

    #[test]
    fn an_ambiguous_name_is_refused() {
        let ids = |count: u128| (0..count).map(Uuid::from_u128);
        assert!(only("package", "x", "l", ids(1)).is_ok());
        assert_eq!(only("package", "x", "l", ids(0)).unwrap_err().exit(), Exit::NotFound);
        assert_eq!(only("package", "x", "l", ids(2)).unwrap_err().exit(), Exit::Refused);
    }
}

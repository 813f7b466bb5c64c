//! The ports: what tsg asks of the world, as traits.
//!
//! Owns the questions and the closed sets of answers. Must never implement one; adapters do.
//!
//! An adapter, as small as one can be:
//!
//! ```
//! use async_trait::async_trait;
//! # use core::{future::Future, pin::pin, task::{Context, Poll, Waker}};
//! use tsg_core::model::id::{AccountId, InstanceId, PackageId};
//! use tsg_core::model::instance::ObservedInstance;
//! use tsg_core::ports::Cloud;
//! use tsg_core::ports::cloud::{
//!     AccountProfile, Addressing, CloudCode, CloudError, CreateInstance, ErrorKind, InstancePage, InstanceUpdate, Labelling,
//!     ListFilter, ListPage, Noted, PackageProfile, Reach, Retry, Tombstones,
//! };
//!
//! /// A cloud that shows what it was given and does nothing.
//! struct Exhibition(Vec<ObservedInstance>);
//!
//! fn refused(kind: ErrorKind, code: CloudCode, status: u16) -> CloudError {
//!     let (reach, status) = (Reach::Answered, Some(status));
//!     CloudError { kind, code, reach, status, message: "no".into(), request_id: None, retry_after: None }
//! }
//!
//! fn forbidden() -> CloudError {
//!     refused(ErrorKind::Denied, CloudCode::NotAuthorized, 403)
//! }
//!
//! #[async_trait]
//! impl Cloud for Exhibition {
//!     async fn list(&self, page: &ListPage) -> Result<InstancePage, CloudError> {
//!         let rest = self.0.iter().skip(page.offset as usize).take(page.limit as usize);
//!         Ok(InstancePage { instances: rest.copied().collect(), labels: None, nics: None, server_time: None })
//!     }
//!
//!     async fn get(&self, instance: InstanceId) -> Result<ObservedInstance, CloudError> {
//!         let found = self.0.iter().find(|shown| shown.id == instance);
//!         found.copied().ok_or_else(|| refused(ErrorKind::NotFound, CloudCode::ResourceNotFound, 404))
//!     }
//!
//!     async fn create(&self, _request: &CreateInstance) -> Result<ObservedInstance, CloudError> {
//!         Err(forbidden())
//!     }
//!
//!     async fn delete(&self, _instance: InstanceId) -> Result<(), CloudError> {
//!         Err(forbidden())
//!     }
//!     // and so on
//! #   async fn start(&self, _instance: InstanceId) -> Result<(), CloudError> {
//! #       Err(forbidden())
//! #   }
//! #   async fn stop(&self, _instance: InstanceId) -> Result<(), CloudError> {
//! #       Err(forbidden())
//! #   }
//! #   async fn restart(&self, _instance: InstanceId) -> Result<(), CloudError> {
//! #       Err(forbidden())
//! #   }
//! #   async fn resize(&self, _instance: InstanceId, _package: PackageId) -> Result<(), CloudError> {
//! #       Err(forbidden())
//! #   }
//! #   async fn update(&self, _instance: InstanceId, _change: &InstanceUpdate) -> Result<Noted, CloudError> {
//! #       Err(forbidden())
//! #   }
//! #   async fn package(&self, _package: PackageId) -> Result<PackageProfile, CloudError> {
//! #       Err(forbidden())
//! #   }
//!
//!     async fn account(&self) -> Result<AccountProfile, CloudError> {
//!         let id = AccountId::from_directory(uuid::Uuid::from_u128(1));
//!         Ok(AccountProfile { id, login: "alice".into(), has_cns: true })
//!     }
//! }
//!
//! # fn wait<T>(future: impl Future<Output = T>) -> T {
//! #     match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
//! #         Poll::Ready(answer) => answer,
//! #         Poll::Pending => unreachable!(),
//! #     }
//! # }
//! let cloud = Exhibition(vec![]);
//! let (tombstones, labelling, addressing) = (Tombstones::Hidden, Labelling::Bare, Addressing::Primary);
//! let first = ListPage { filter: ListFilter::All, tombstones, labelling, addressing, offset: 0, limit: 1000 };
//! assert_eq!(wait(cloud.list(&first))?.instances, []);
//!
//! let missing = wait(cloud.get(InstanceId::new(uuid::Uuid::from_u128(7)))).unwrap_err();
//! assert_eq!(missing.retry(), Retry::Never);
//! assert_eq!(missing.to_string(), "CloudAPI answered 404: no");
//! # Ok::<(), CloudError>(())
//! ```

pub mod clock;
pub mod cloud;
pub mod entropy;
pub mod executor;
pub mod health;
pub mod store;

pub use clock::Clock;
pub use cloud::Cloud;
pub use entropy::Entropy;
pub use executor::Executor;
pub use health::Health;
pub use store::Store;

//! `tsg sim fault`: what goes wrong in a running simulated data centre.

use std::net::SocketAddr;

use clap::{Args, Subcommand, ValueEnum};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ValueError;
use tsg_sim::admin::{AdminError, SimAdmin};
use tsg_sim::world::{self, FaultId, FaultRule, FaultStatus, LossAppearance, Operation, Target};

use super::serve::ADMIN_PORT;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Show;
use crate::table::Table;

/// List, switch on and switch off the faults of a running simulated data centre
#[derive(Debug, Subcommand)]
pub(super) enum Fault {
    List(List),
    Add(Box<Add>),
    Clear(Clear),
}

/// Where the data centre is.
#[derive(Debug, Args)]
pub(super) struct Where {
    /// Address of its admin API; otherwise TSG_SIM_ADMIN.
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin: Option<SocketAddr>,
}

/// List the faults that are switched on, and how often each struck
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Where,
}

/// Switch a fault on
///
/// Examples:
///   tsg sim fault add kill-instance --target tsg-web-…
///   tsg sim fault add lose-reply --rate 0.2 --operation create_machine
///   tsg sim fault add fail-provision --times 3
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Add {
    /// What goes wrong.
    kind: Kind,
    /// The machine or compute node it hits (name or uuid); otherwise one by chance.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// How likely it strikes on each occasion.
    #[arg(long, value_name = "0..1", default_value_t = 1.0)]
    rate: f64,
    /// How many times it strikes at most.
    #[arg(long, value_name = "N")]
    times: Option<u64>,
    /// Only for requests of this kind, such as create_machine.
    #[arg(long, value_name = "OPERATION", value_parser = operation)]
    operation: Option<Operation>,
    /// For hide-record and server-reboot: how long, in milliseconds. For clock-offset: how far ahead (negative: behind).
    #[arg(long, value_name = "MS", default_value_t = 0, allow_hyphen_values = true)]
    ms: i64,
    /// For read-only: the value of Retry-After, in seconds.
    #[arg(long, value_name = "SECONDS")]
    retry_after: Option<u64>,
    #[command(flatten)]
    place: Where,
}

/// Switch faults off
#[derive(Debug, Args)]
pub(super) struct Clear {
    /// The fault's number; all of them when left out.
    id: Option<u64>,
    #[command(flatten)]
    place: Where,
}

/// The faults there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A machine is destroyed from outside, at once.
    KillInstance,
    /// A machine halts from outside, at once.
    StopInstance,
    /// A compute node is lost with everything on it, at once.
    ServerDown,
    /// A compute node comes back, at once.
    ServerUp,
    /// A compute node restarts with everything on it, and is away for --ms milliseconds.
    ServerReboot,
    /// Provisioning ends in `failed`.
    FailProvision,
    /// Provisioning never ends.
    StickProvision,
    /// No provisioning ends while this is on.
    HoldProvision,
    /// The request is carried out, the answer never arrives.
    LoseReply,
    /// The request never arrives.
    LoseRequest,
    /// New machines cannot be seen for --ms milliseconds.
    HideRecord,
    /// Writes are refused with 503: the data centre is being upgraded.
    ReadOnly,
    /// The load balancer answers 503 with a page of HTML.
    ProxyUnavailable,
    /// 429 to everything.
    ThrottleStorm,
    /// 500 before anything is done.
    InternalError,
    /// 500 although the create goes on.
    ErrorAfterCreate,
    /// Creates are refused for quota.
    QuotaReached,
    /// No compute node has room.
    NoCapacity,
    /// The account counts as disabled.
    AccountDisabled,
    /// The data centre's clock is off by --ms milliseconds.
    ClockOffset,
    /// Two creates in flight can get the same name.
    NameRace,
    /// DELETE answers 204 and nothing happens.
    IgnoreDelete,
    /// Actions and changes of a machine are accepted, and their jobs fail.
    FailAction,
}

fn operation(text: &str) -> Result<Operation, ValueError> {
    Operation::deserialize(text.into_deserializer())
}

impl Fault {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::List(list) => {
                let faults = list.place.admin(context)?.faults().await.map_err(failed)?;
                context.output.show(&Faults(faults))
            }
            Self::Add(add) => {
                let id = add.place.admin(context)?.inject(&add.rule()).await.map_err(failed)?;
                context.output.show(&SwitchedOn(id))
            }
            Self::Clear(clear) => clear.run(context).await,
        }
    }
}

impl Clear {
    async fn run(&self, context: &Context) -> Result<(), Failure> {
        let admin = self.place.admin(context)?;
        let Some(id) = self.id else {
            admin.clear_all().await.map_err(failed)?;
            context.output.remark("All faults are off.");
            return Ok(());
        };
        if admin.clear(FaultId(id)).await.map_err(failed)? {
            context.output.remark(&format!("Fault {id} is off."));
            Ok(())
        } else {
            Err(Failure::new(Exit::NotFound, format!("no fault {id} is on")).next("see `tsg sim fault list`"))
        }
    }
}

impl Where {
    pub(super) fn admin(&self, context: &Context) -> Result<SimAdmin, Failure> {
        if let Some(address) = self.admin {
            return Ok(SimAdmin::new(address));
        }
        let Some(text) = context.environment.get("TSG_SIM_ADMIN") else {
            return Ok(SimAdmin::new(([127, 0, 0, 1], ADMIN_PORT).into()));
        };
        text.parse().map(SimAdmin::new).map_err(|_| {
            Failure::usage(format!("TSG_SIM_ADMIN={text:?} is not an address"))
                .next("set it to something like 127.0.0.1:8081")
        })
    }
}

impl Add {
    fn rule(&self) -> FaultRule {
        FaultRule { rate: self.rate, limit: self.times, operation: self.operation, ..self.fault().into() }
    }

    fn target(&self) -> Target {
        self.target.clone().map_or(Target::Any, Target::Named)
    }

    fn fault(&self) -> world::Fault {
        match self.kind {
            Kind::KillInstance => world::Fault::KillInstance { machine: self.target() },
            Kind::StopInstance => world::Fault::StopInstance { machine: self.target() },
            Kind::ServerDown => {
                world::Fault::ServerDown { server: self.target(), appearance: LossAppearance::default() }
            }
            Kind::ServerUp => world::Fault::ServerUp { server: self.target() },
            Kind::ServerReboot => world::Fault::ServerReboot {
                server: self.target(),
                for_ms: self.ms.unsigned_abs(),
                appearance: LossAppearance::default(),
            },
            Kind::FailProvision => world::Fault::FailProvision,
            Kind::StickProvision => world::Fault::StickProvision,
            Kind::HoldProvision => world::Fault::HoldProvision,
            Kind::LoseReply => world::Fault::LoseReply,
            Kind::LoseRequest => world::Fault::LoseRequest,
            Kind::HideRecord => world::Fault::HideRecord { for_ms: self.ms.unsigned_abs() },
            Kind::ReadOnly => world::Fault::ReadOnly { retry_after_s: self.retry_after },
            Kind::ProxyUnavailable => world::Fault::ProxyUnavailable,
            Kind::ThrottleStorm => world::Fault::ThrottleStorm,
            Kind::InternalError => world::Fault::InternalError,
            Kind::ErrorAfterCreate => world::Fault::ErrorAfterCreate,
            Kind::QuotaReached => world::Fault::QuotaReached,
            Kind::NoCapacity => world::Fault::NoCapacity,
            Kind::AccountDisabled => world::Fault::AccountDisabled,
            Kind::ClockOffset => world::Fault::ClockOffset { offset_ms: self.ms },
            Kind::NameRace => world::Fault::NameRace,
            Kind::IgnoreDelete => world::Fault::IgnoreDelete,
            Kind::FailAction => world::Fault::FailAction,
        }
    }
}

pub(super) fn failed(error: AdminError) -> Failure {
    let (exit, next) = match &error {
        AdminError::Unreachable { .. } | AdminError::Broken(_) => {
            (Exit::Unreachable, "start one with `tsg sim` or `tsg demo`, and give its admin address with --admin")
        }
        AdminError::Refused { .. } => (Exit::Refused, "see `tsg sim fault add --help` and `tsg sim manner --help`"),
        AdminError::Unreadable(_) => {
            (Exit::Failed, "check that --admin is the admin address of a `tsg sim` of this version")
        }
    };
    Failure::new(exit, "the simulated data centre did not do it").because(&error).next(next)
}

/// Faults that are on.
struct Faults(Vec<FaultStatus>);

impl Show for Faults {
    fn human(&self) -> String {
        let headings = Table::new(["ID", "HITS", "RATE", "LEFT", "FAULT"]);
        let add = |table: Table, status: &FaultStatus| {
            let left =
                status.rule.limit.map_or_else(|| "-".to_owned(), |limit| limit.saturating_sub(status.hits).to_string());
            let fault = serde_json::to_string(&status.rule.fault).unwrap_or_default();
            table.row([status.id.0.to_string(), status.hits.to_string(), status.rule.rate.to_string(), left, fault])
        };
        self.0.iter().fold(headings, add).render()
    }

    fn json(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

/// A fault that was switched on.
struct SwitchedOn(FaultId);

impl Show for SwitchedOn {
    fn human(&self) -> String {
        format!("Fault {} is on; switch it off with `tsg sim fault clear {}`.", self.0.0, self.0.0)
    }

    fn json(&self) -> String {
        format!("{{\"id\":{}}}", self.0.0)
    }
}

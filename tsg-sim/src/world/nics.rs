//! Interfaces of an existing machine: reading, adding and removing them. The last two restart it.

use super::World;
use super::ids::AccountId;
use super::jobs::Work;
use super::machine::Nic;
use super::refusal::Refusal;
use super::requests::{Caller, NetworkRequest};
use super::view::NicView;

/// The answer to adding an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddedNic {
    /// 201: a new one.
    New(NicView),
    /// 302: the machine is on that network already.
    Existing(NicView),
}

impl World {
    /// `GET /:account/machines/:id/nics`.
    pub fn nics(&self, account: AccountId, id: &str) -> Result<Vec<NicView>, Refusal> {
        Ok(self.machine(account, id)?.shown_nics().iter().map(NicView::with_state).collect())
    }

    /// `GET /:account/machines/:id/nics/:mac`; the mac stands in the path without colons.
    pub fn nic(&self, account: AccountId, id: &str, mac: &str) -> Result<NicView, Refusal> {
        let mac = with_colons(mac)?;
        let nics = self.machine(account, id)?.shown_nics();
        let found = nics.iter().find(|nic| nic.mac == mac);
        found.map(NicView::with_state).ok_or_else(|| Refusal::not_found("nic not found"))
    }

    /// `POST /:account/machines/:id/nics`.
    pub fn add_nic(&mut self, caller: &Caller, id: &str, request: NetworkRequest) -> Result<AddedNic, Refusal> {
        let machine = self.taggable(caller.account, id)?;
        let wanted = self.wanted_nic(caller.account, &request);
        let wanted = wanted.map_err(|_| Refusal::invalid_argument("network not found"))?;
        let known = self.machine(caller.account, id)?.nics.iter().find(|nic| nic.network == wanted.network);
        if let Some(known) = known {
            return Ok(AddedNic::Existing(NicView::with_state(known)));
        }
        let taken = self.take_addresses(caller.account, machine, std::slice::from_ref(&wanted))?;
        let Some(nic) = taken.into_iter().next().map(|nic| Nic { is_running: false, ..nic }) else {
            return Err(Refusal::invalid_argument("network not found"));
        };
        let view = NicView::with_state(&nic);
        if let Some(machine) = self.machines.get_mut(&machine) {
            if nic.primary {
                machine.nics.iter_mut().for_each(|other| other.primary = false);
            }
            machine.nics.push(nic.clone());
        }
        self.submit_job(machine, caller.clone(), Work::AddNic(nic));
        Ok(AddedNic::New(view))
    }

    /// `DELETE /:account/machines/:id/nics/:mac`.
    pub fn remove_nic(&mut self, caller: &Caller, id: &str, mac: &str) -> Result<(), Refusal> {
        self.nic(caller.account, id, mac)?;
        let machine = self.taggable(caller.account, id)?;
        let mac = with_colons(mac)?;
        self.submit_job(machine, caller.clone(), Work::RemoveNic(mac));
        Ok(())
    }
}

fn with_colons(mac: &str) -> Result<String, Refusal> {
    let is_plain = mac.len() == 12 && mac.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_plain {
        return Err(Refusal::invalid_argument("mac has invalid format"));
    }
    let pairs: Vec<&str> = (0..6).filter_map(|pair| mac.get(pair * 2..pair * 2 + 2)).collect();
    Ok(pairs.join(":").to_ascii_lowercase())
}

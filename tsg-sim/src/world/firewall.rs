//! Firewall rules of an account: texts that are stored, listed and switched. They never filter
//! anything, since there are no packets.

use std::collections::BTreeMap;

use serde::Serialize;

use super::World;
use super::ids::{AccountId, FirewallRuleId};
use super::machine::Machine;
use super::refusal::Refusal;
use super::requests::Switch;

/// A firewall rule.
#[derive(Debug, Clone)]
pub(crate) struct FirewallRule {
    account: AccountId,
    view: FirewallRuleView,
}

/// A firewall rule as CloudAPI prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirewallRuleView {
    /// Identity.
    pub id: FirewallRuleId,
    /// The rule's text.
    pub rule: String,
    /// Whether it applies.
    pub enabled: bool,
    /// Whether connections are logged.
    pub log: bool,
    /// Description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl World {
    /// `GET /:account/fwrules`.
    #[must_use]
    pub fn firewall_rules(&self, account: AccountId) -> Vec<FirewallRuleView> {
        let own = self.firewall_rules.values().filter(|rule| rule.account == account);
        own.map(|rule| rule.view.clone()).collect()
    }

    /// `GET /:account/fwrules/:id`.
    pub fn firewall_rule(&self, account: AccountId, id: &str) -> Result<FirewallRuleView, Refusal> {
        self.own_rule(account, id).map(|rule| rule.view.clone())
    }

    /// `POST /:account/fwrules`.
    pub fn create_firewall_rule(
        &mut self,
        account: AccountId,
        params: &BTreeMap<String, String>,
    ) -> Result<FirewallRuleView, Refusal> {
        let rule = params.get("rule").ok_or_else(|| Refusal::missing_parameter("rule must be specified"))?;
        let mut view = FirewallRuleView {
            id: FirewallRuleId::fresh(&mut self.rng.ids),
            rule: checked_rule(rule)?,
            enabled: false,
            log: false,
            description: None,
        };
        apply(&mut view, params)?;
        self.firewall_rules.insert(view.id, FirewallRule { account, view: view.clone() });
        Ok(view)
    }

    /// `POST /:account/fwrules/:id`.
    pub fn update_firewall_rule(
        &mut self,
        account: AccountId,
        id: &str,
        params: &BTreeMap<String, String>,
    ) -> Result<FirewallRuleView, Refusal> {
        let mut view = self.firewall_rule(account, id)?;
        apply(&mut view, params)?;
        self.firewall_rules.insert(view.id, FirewallRule { account, view: view.clone() });
        Ok(view)
    }

    /// `POST /:account/fwrules/:id/enable` and `/disable`.
    pub fn set_firewall_rule(
        &mut self,
        account: AccountId,
        id: &str,
        switch: Switch,
    ) -> Result<FirewallRuleView, Refusal> {
        let params = BTreeMap::from([("enabled".to_owned(), switch.is_on().to_string())]);
        self.update_firewall_rule(account, id, &params)
    }

    /// `DELETE /:account/fwrules/:id`.
    pub fn delete_firewall_rule(&mut self, account: AccountId, id: &str) -> Result<(), Refusal> {
        let id = self.own_rule(account, id)?.view.id;
        self.firewall_rules.remove(&id);
        Ok(())
    }

    /// `GET /:account/fwrules/:id/machines`.
    pub fn machines_of_rule(&self, account: AccountId, id: &str) -> Result<Vec<&Machine>, Refusal> {
        let rule = &self.own_rule(account, id)?.view.rule;
        let machines = self.live_machines(account).filter(|machine| machine.is_visible(self.now));
        Ok(machines.filter(|machine| is_subject(rule, machine)).collect())
    }

    /// `GET /:account/machines/:id/fwrules`.
    pub fn rules_of_machine(&self, account: AccountId, id: &str) -> Result<Vec<FirewallRuleView>, Refusal> {
        let machine = self.machine(account, id)?;
        let rules = self.firewall_rules(account);
        Ok(rules.into_iter().filter(|rule| is_subject(&rule.rule, machine)).collect())
    }

    fn own_rule(&self, account: AccountId, id: &str) -> Result<&FirewallRule, Refusal> {
        let rule = FirewallRuleId::parse(id).and_then(|id| self.firewall_rules.get(&id));
        let own = rule.filter(|rule| rule.account == account);
        own.ok_or_else(|| Refusal::not_found(format!("Rule {id} not found")))
    }
}

/// The least that makes a rule: two ends, an action and a protocol.
fn checked_rule(rule: &str) -> Result<String, Refusal> {
    let upper = rule.to_ascii_uppercase();
    let is_rule = upper.starts_with("FROM ")
        && upper.contains(" TO ")
        && (upper.contains(" ALLOW ") || upper.contains(" BLOCK "));
    if is_rule {
        return Ok(rule.to_owned());
    }
    Err(Refusal::invalid_parameters("rule", "InvalidParameters", format!("Error parsing rule: {rule}")))
}

fn apply(view: &mut FirewallRuleView, params: &BTreeMap<String, String>) -> Result<(), Refusal> {
    if let Some(rule) = params.get("rule") {
        view.rule = checked_rule(rule)?;
    }
    let switched = |key: &str, old: bool| params.get(key).map_or(old, |value| value == "true");
    view.enabled = switched("enabled", view.enabled);
    view.log = switched("log", view.log);
    if let Some(description) = params.get("description") {
        view.description = Some(description.clone());
    }
    Ok(())
}

/// Whether a rule names a machine: all of them, its uuid, or one of its tags.
fn is_subject(rule: &str, machine: &Machine) -> bool {
    let rule = rule.to_ascii_lowercase();
    let names_tag = |(key, value): (&String, &super::Scalar)| {
        let key = key.to_ascii_lowercase();
        let plain = format!("tag {key} ");
        let valued = format!("tag {key} = {}", value.to_string().to_ascii_lowercase());
        let quoted = format!("tag \"{key}\"");
        rule.contains(&valued)
            || rule.contains(&quoted)
            || (rule.contains(&plain) && !rule.contains(&format!("{plain}=")))
    };
    rule.contains("all vms") || rule.contains(&machine.id.to_string()) || machine.tags.iter().any(names_tag)
}

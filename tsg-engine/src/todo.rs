//! What waits for a token: requests that change something, and reads.
//!
//! Owns the order: groups take turns, so that a large one never makes a small one wait. Must
//! never decide whether a request is still right; that is looked at when its turn comes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tsg_core::model::id::{GroupId, InstanceId, OperationId};

/// A request that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Job {
    /// The create of a planned operation, or its repetition.
    Create(OperationId),
    /// The delete of an operation's machine.
    Delete(OperationId),
    /// The delete of another machine of an operation.
    Residue(OperationId, InstanceId),
    /// The start of an operation's machine.
    Start(OperationId),
    /// Whatever else was decided to do to an operation's machine.
    Errand(OperationId),
    /// What is to become of an operation's machine in discovery.
    List(OperationId),
    /// The tag that names the services of an operation's machine.
    Name(OperationId),
}

/// A read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Read {
    /// The self-test.
    Test,
    /// The next page of the complete list.
    Page,
    /// An operation's machines by tag.
    ByTag(OperationId),
    /// An operation's machines by name.
    ByName(OperationId),
    /// One machine of an operation.
    Get(OperationId, InstanceId),
}

/// Jobs of many groups that take turns.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    queues: BTreeMap<GroupId, VecDeque<Job>>,
    order: VecDeque<GroupId>,
    waiting: BTreeSet<Job>,
}

impl Turns {
    /// Adds a job unless it waits already.
    pub(crate) fn push(&mut self, group: GroupId, job: Job) {
        if !self.waiting.insert(job) {
            return;
        }
        let queue = self.queues.entry(group).or_default();
        if queue.is_empty() {
            self.order.push_back(group);
        }
        queue.push_back(job);
    }

    /// The next job of the group whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<(GroupId, Job)> {
        let group = self.order.pop_front()?;
        let queue = self.queues.get_mut(&group)?;
        let job = queue.pop_front()?;
        if queue.is_empty() {
            self.queues.remove(&group);
        } else {
            self.order.push_back(group);
        }
        self.waiting.remove(&job);
        Some((group, job))
    }

    /// Whether a job waits.
    pub(crate) fn has(&self, job: Job) -> bool {
        self.waiting.contains(&job)
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Forgets everything that waits.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Everything that waits for a token.
#[derive(Debug, Default)]
pub(crate) struct Todo {
    /// Creates.
    pub(crate) creates: Turns,
    /// Deletes, starts, errands, and changes in discovery.
    pub(crate) changes: Turns,
    /// Those of the starts that wait which are not held against their machine.
    pub(crate) excused: BTreeSet<OperationId>,
    /// Deletes whose machine was looked at just now: they go first, while that look is fresh.
    pub(crate) urgent: VecDeque<(GroupId, Job)>,
    reads: VecDeque<Read>,
    reading: BTreeSet<Read>,
    prefers_creates: bool,
}

impl Todo {
    /// Adds a read unless it waits already. Pages and self-tests go first: what is known of the
    /// whole account is worth more than what is known of one machine.
    pub(crate) fn read(&mut self, read: Read) {
        if !self.reading.insert(read) {
            return;
        }
        match read {
            Read::Test | Read::Page => self.reads.push_front(read),
            Read::ByTag(_) | Read::ByName(_) | Read::Get(..) => self.reads.push_back(read),
        }
    }

    /// The next read.
    pub(crate) fn next_read(&mut self) -> Option<Read> {
        let read = self.reads.pop_front()?;
        self.reading.remove(&read);
        Some(read)
    }

    /// Whether a read waits.
    pub(crate) fn has_reads(&self) -> bool {
        !self.reads.is_empty()
    }

    /// Drops every read that waits, and every change.
    pub(crate) fn clear(&mut self) {
        self.reads.clear();
        self.reading.clear();
        self.clear_changes();
    }

    /// Drops every change that waits.
    pub(crate) fn clear_changes(&mut self) {
        self.creates.clear();
        self.changes.clear();
        self.excused.clear();
        self.urgent.clear();
    }

    /// Adds a job where it belongs.
    pub(crate) fn push(&mut self, group: GroupId, job: Job) {
        match job {
            Job::Create(_) => self.creates.push(group, job),
            Job::Delete(_) | Job::Residue(..) | Job::Start(_) | Job::Errand(_) | Job::List(_) | Job::Name(_) => {
                self.changes.push(group, job);
            }
        }
    }

    /// The next job: urgent ones first, then creates and other changes in turn. `creates_left`
    /// says how many creates may still be begun.
    pub(crate) fn next_job(&mut self, creates_left: u32) -> Option<(GroupId, Job)> {
        if let Some(job) = self.urgent.pop_front() {
            return Some(job);
        }
        let create = |todo: &mut Self| if creates_left > 0 { todo.creates.pop() } else { None };
        self.prefers_creates = !self.prefers_creates;
        if self.prefers_creates {
            create(self).or_else(|| self.changes.pop())
        } else {
            self.changes.pop().or_else(|| create(self))
        }
    }

    /// Whether [`Todo::next_job`] would give one.
    pub(crate) fn has_jobs(&self, creates_left: u32) -> bool {
        !self.urgent.is_empty() || !self.changes.is_empty() || (creates_left > 0 && !self.creates.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn group(number: u128) -> GroupId {
        GroupId::new(Uuid::from_u128(number))
    }

    fn create(number: u128) -> Job {
        Job::Create(OperationId::from_bits(number))
    }

    #[test]
    fn a_small_group_waits_for_one_job_of_a_large_one() {
        let mut todo = Todo::default();
        (0..1000).for_each(|number| todo.push(group(1), create(number)));
        todo.push(group(2), create(5000));
        let order: Vec<_> = (0..3).filter_map(|_| todo.next_job(9)).map(|(group, _)| group).collect();
        assert_eq!(order, [group(1), group(2), group(1)]);
    }

    #[test]
    fn deletes_and_creates_share_and_nothing_waits_twice() {
        let mut todo = Todo::default();
        let delete = Job::Delete(OperationId::from_bits(7));
        todo.push(group(1), create(1));
        todo.push(group(1), create(1));
        todo.push(group(1), create(2));
        todo.push(group(1), delete);
        let jobs: Vec<_> = std::iter::from_fn(|| todo.next_job(9)).map(|(_, job)| job).collect();
        assert_eq!(jobs, [create(1), delete, create(2)]);
        todo.push(group(1), create(1));
        assert!(!todo.has_jobs(0));
        assert_eq!(todo.next_job(0), None);
    }
}

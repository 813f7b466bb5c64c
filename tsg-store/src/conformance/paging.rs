//! Rules of lists. Owns their order and their pages, against a plain sorted list; must never
//! trust the store's own idea of either.

use tsg_core::ports::store::{Key, Kind, Range, Scope, StoreError};

use super::subject::{Draft, Outcome, Subject, account, same};

/// Ids that sort differently by byte, by character, by case or by locale, or that end a string
/// early in some languages.
const IDS: [&str; 16] =
    ["", "\0", "A", "B", "a", "a\0", "a/", "a/1", "a/10", "a/2", "a0", "ab", "b", "\u{e9}", "\u{ffff}", "\u{10ffff}"];

const PREFIXES: [&str; 8] = ["", "a", "a/", "a/1", "b", "\0", "\u{10ffff}", "zz"];

/// Lists come in order of account and id, bytewise, in pages that join without gap or overlap.
///
/// # Errors
/// How the store breaks it.
pub async fn pages(subject: &Subject) -> Outcome {
    let keys = fill(subject).await?;
    let scopes = [Scope::Everyone, Scope::Account(account(2)), Scope::Account(account(9))];
    for scope in scopes {
        for prefix in PREFIXES {
            let wanted = expected(&keys, scope, prefix);
            for limit in [1, 2, 7, 10_000] {
                let range = Range { kind: Kind::Operation, scope, prefix: prefix.to_owned(), after: None, limit };
                same("pages join to the whole", page_through(subject, range).await?, wanted.clone())?;
            }
        }
    }
    any_start(subject, &keys).await
}

/// Writes the keys in an order that is not theirs, with neighbours of other kinds.
async fn fill(subject: &Subject) -> Result<Vec<Key>, super::Violation> {
    let mut keys = Vec::new();
    for number in [3, 1, 2] {
        for id in IDS.iter().rev() {
            let key = Key { kind: Kind::Operation, account: account(number), id: (*id).to_owned() };
            let before = Key { kind: Kind::Ledger, ..key.clone() };
            let behind = Key { kind: Kind::Audit, ..key.clone() };
            Draft::new().put(&key, id).put(&before, "no").put(&behind, "no").commit(subject).await?;
            keys.push(key);
        }
    }
    keys.sort_by(|a, b| a.account.cmp(&b.account).then_with(|| a.id.as_bytes().cmp(b.id.as_bytes())));
    Ok(keys)
}

fn expected(keys: &[Key], scope: Scope, prefix: &str) -> Vec<Key> {
    let is_in_scope = |key: &&Key| match scope {
        Scope::Account(account) => key.account == account,
        Scope::Everyone => true,
    };
    keys.iter().filter(is_in_scope).filter(|key| key.id.starts_with(prefix)).cloned().collect()
}

async fn page_through(subject: &Subject, mut range: Range) -> Result<Vec<Key>, StoreError> {
    let mut found: Vec<Key> = Vec::new();
    loop {
        let page = subject.store.list(&range).await?;
        let is_last = page.len() < range.limit as usize;
        found.extend(page.into_iter().map(|record| record.key));
        match found.last() {
            Some(last) if !is_last => range.after = Some((last.account, last.id.clone())),
            _ => return Ok(found),
        }
    }
}

/// A page may begin after a key that is not there.
async fn any_start(subject: &Subject, keys: &[Key]) -> Outcome {
    for (number, id) in [(0, "x"), (1, "a/1"), (1, "a/11"), (2, ""), (2, "\u{10ffff}\u{10ffff}"), (3, "b"), (7, "")] {
        for prefix in ["", "a/"] {
            for scope in [Scope::Everyone, Scope::Account(account(2))] {
                let start = (account(number), id.to_owned());
                let wanted: Vec<Key> = expected(keys, scope, prefix)
                    .into_iter()
                    .filter(|key| (key.account, key.id.as_bytes()) > (start.0, start.1.as_bytes()))
                    .collect();
                let range = Range {
                    kind: Kind::Operation,
                    scope,
                    prefix: prefix.to_owned(),
                    after: Some(start),
                    limit: 10_000,
                };
                same("a page begins after any key", page_through(subject, range).await?, wanted)?;
            }
        }
    }
    Ok(())
}

//! Rules that nobody evaluates.

use super::{AlarmChanges, AlarmPeriod, AlarmSource, AlarmsNow, Digest, Resources, RuleName, RuleSet};
use crate::{ReadError, TimeRange};
use async_trait::async_trait;
use std::sync::Arc;

/// The rules of a deployment in which nobody evaluates them: there is something to read about each, and no state.
pub struct Unevaluated {
    rules: Arc<RuleSet>,
    resources: Arc<Resources>,
}

impl Unevaluated {
    /// These rules, over resources that are called so.
    pub fn new(rules: Arc<RuleSet>, resources: Arc<Resources>) -> Self {
        Self { rules, resources }
    }
}

#[async_trait]
impl AlarmSource for Unevaluated {
    async fn now(&self) -> Result<AlarmsNow, ReadError> {
        Ok(AlarmsNow {
            rules: Arc::clone(&self.rules),
            resources: Arc::clone(&self.resources),
            statuses: Vec::new(),
            evaluated_at: None,
            hours: None,
        })
    }

    async fn changes(
        &self,
        _rule: Option<&RuleName>,
        _range: TimeRange,
        _limit: usize,
    ) -> Result<AlarmChanges, ReadError> {
        Ok(AlarmChanges::default())
    }

    async fn periods(
        &self,
        _rule: Option<&RuleName>,
        _range: TimeRange,
    ) -> Result<Vec<AlarmPeriod>, ReadError> {
        Ok(Vec::new())
    }

    async fn digest(&self) -> Result<Option<Digest>, ReadError> {
        Ok(None)
    }
}

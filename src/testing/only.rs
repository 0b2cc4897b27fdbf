//! The features of a pipeline on this machine only, those of a deployment in AWS only, and what a verdict is made of.

use super::FakePipeline;
use crate::backend::Local;
use async_trait::async_trait;
use spillway_core::ids::MessageId;
use spillway_core::ports::{
    ArchiveError, AuditEntry, Clock as _, IndexRebuild, IndexRepair, IndexedArchive, QueueKind,
};
use spillway_dashboard_model::flow::{QueueReader, QueueSnapshot};
use spillway_dashboard_model::incidents::{Incident, IncidentId, IncidentSource, Notice, Sent};
use spillway_dashboard_model::{
    Freshness, MetricQuery, MetricReader, Period, ReadError, Reading, Series, TimeRange,
};
use spillway_embedded::faults::Fault;
use std::sync::Arc;
use std::time::Duration;

#[async_trait]
impl Local for FakePipeline {
    async fn start_fault(&self, fault: Fault, entry: AuditEntry) -> anyhow::Result<()> {
        self.machine().faults.push(fault);
        self.state().audit.push(entry);
        Ok(())
    }

    async fn stop_fault(&self, name: &str, entry: AuditEntry) -> anyhow::Result<usize> {
        let now = self.memory().clock.now();
        let mut stopped = 0;
        for fault in &mut self.machine().faults {
            if fault.kind.name() == name && fault.is_on(now) {
                fault.until = Some(now);
                stopped += 1;
            }
        }
        if stopped > 0 {
            self.state().audit.push(entry);
        }
        Ok(stopped)
    }

    async fn faults(&self) -> anyhow::Result<Vec<Fault>> {
        Ok(self.machine().faults.clone())
    }

    fn disk_trouble(&self) -> Option<String> {
        None
    }

    async fn sign_in_link(&self) -> anyhow::Result<Option<String>> {
        Ok(self.machine().link.clone())
    }
}

#[async_trait]
impl IndexedArchive for FakePipeline {
    async fn repair(&self, most: usize, _: Duration) -> Result<IndexRepair, ArchiveError> {
        let mut machine = self.machine();
        let indexed = machine.unindexed.min(most as u64);
        machine.unindexed -= indexed;
        Ok(IndexRepair { indexed, failed: 0 })
    }

    async fn rebuild(&self) -> Result<IndexRebuild, ArchiveError> {
        let added = std::mem::take(&mut self.machine().unindexed);
        let there = self.state().dead_letters.len() as u64 - added;
        Ok(IndexRebuild { added, there, ..IndexRebuild::default() })
    }

    async fn recover(&self, ids: &[MessageId]) -> Result<Vec<MessageId>, ArchiveError> {
        let mut recovered = Vec::new();
        for letter in self.state().dead_letters.iter_mut().filter(|letter| ids.contains(&letter.id)) {
            if std::mem::take(&mut letter.is_lost) {
                recovered.push(letter.id.clone());
            }
        }
        Ok(recovered)
    }
}

#[async_trait]
impl QueueReader for FakePipeline {
    async fn snapshot(&self, queue: QueueKind) -> Result<QueueSnapshot, ReadError> {
        Ok(match queue {
            QueueKind::Primary => self.machine().queue.clone(),
            QueueKind::Dlq => QueueSnapshot::default(),
        })
    }
}

/// Two writes in each period, which fail while the table does.
#[async_trait]
impl MetricReader for FakePipeline {
    async fn read(
        &self,
        queries: &[MetricQuery],
        range: TimeRange,
        period: Period,
    ) -> Result<Reading, ReadError> {
        let now = self.memory().clock.now();
        let failed = self.machine().table_failed;
        let series = queries.iter().map(|query| {
            let mut series = Series::empty(range, period);
            let start = series.start.as_second();
            for (position, point) in (0..).zip(&mut series.points) {
                let ago = now.as_second() - (start + position * i64::from(period.seconds()));
                let fails = failed.is_some_and(|(from, until)| (until..=from).contains(&ago));
                *point = match &*query.metric.name {
                    _ if ago < 0 => None,
                    "SystemErrors" if fails => Some(2.0),
                    "SuccessfulRequestLatency" if !fails => Some(2.0),
                    _ => None,
                };
            }
            Arc::new(series)
        });
        Ok(Reading { series: series.collect(), freshness: Freshness { read_at: now, error: None } })
    }
}

#[async_trait]
impl IncidentSource for FakePipeline {
    async fn incidents(&self, limit: usize) -> Result<Vec<Incident>, ReadError> {
        Ok(self.machine().incidents.iter().take(limit).cloned().collect())
    }

    async fn incident(&self, id: &IncidentId) -> Result<Option<Incident>, ReadError> {
        Ok(self.machine().incidents.iter().find(|incident| incident.id == *id).cloned())
    }

    async fn sent(&self, id: &IncidentId) -> Result<Vec<Sent>, ReadError> {
        let incident = self.incident(id).await?;
        let notices = incident.into_iter().flat_map(|incident| incident.notices);
        let sent = |notice: Notice| Sent {
            at: notice.at,
            text: format!("{}: {}", notice.rule, notice.news.words()),
            to: "the log".to_owned(),
        };
        Ok(notices.map(sent).collect())
    }
}

//! What goes wrong in a simulated incident.

/// What goes wrong, from which minute on and for how long.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    None,
    StoreOutage {
        from: usize,
        minutes: usize,
    },
    /// What the table takes falls from all to a fifth of the load, and stays there.
    ThrottlingRamp {
        from: usize,
        minutes: usize,
    },
    /// One message in five fails at every attempt.
    PoisonBurst {
        from: usize,
        minutes: usize,
    },
    /// Half of the records break their schema; the deployment goes out over ten minutes.
    BadDeployment {
        from: usize,
        minutes: usize,
    },
    /// Clients stop within half an hour.
    TrafficDrop {
        from: usize,
        minutes: usize,
    },
    /// Server errors rise from nothing to a tenth of the requests.
    SlowLeak {
        from: usize,
        minutes: usize,
    },
    /// Every invocation of the consumer fails as a whole.
    ConsumerCrash {
        from: usize,
        minutes: usize,
    },
    /// Dead letters arrive, and the archiver does not run.
    ArchiverOutage {
        from: usize,
        minutes: usize,
    },
    /// Dead letters arrive for an hour, and every invocation of the archiver fails.
    ArchiverCrash {
        from: usize,
        minutes: usize,
    },
    /// Spending three times as fast as planned.
    CostCreep {
        from: usize,
    },
}

impl Fault {
    /// How far into the fault `minute` is, from 0 to 1, while it is on.
    pub fn progress(from: usize, minutes: usize, minute: usize) -> Option<f64> {
        (from..from + minutes).contains(&minute).then(|| (minute - from) as f64 / minutes as f64)
    }
}

//! Resources that processes and threads have used, from Linux's `/proc`. On other systems the functions return nothing.

use std::fs;

/// Clock ticks a second in `/proc`: always 100 for programs, independent of the kernel's own rate.
const TICKS_PER_S: f64 = 100.0;

/// CPU seconds that a process has used, including its threads that have ended.
pub fn cpu_s(process: u32) -> Option<f64> {
    ticks(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// CPU seconds that a process's threads have used, exact to the microsecond if the kernel reports that. Threads that
/// have ended are not counted, so use it for short spans only.
pub fn exact_cpu_s(process: u32) -> Option<f64> {
    let mut sum = None;
    for thread in fs::read_dir(format!("/proc/{process}/task")).ok()? {
        let Ok(folder) = thread.map(|thread| thread.path()) else { continue };
        let Ok(text) = fs::read_to_string(folder.join("sched")) else { continue };
        sum = Some(sum.unwrap_or(0.0) + runtime_ms(&text)? / 1e3);
    }
    sum.or_else(|| cpu_s(process))
}

/// CPU seconds that this process's threads with a given name have used.
pub fn cpu_of_threads_s(name: &str) -> Option<f64> {
    let mut sum = None;
    for thread in fs::read_dir("/proc/self/task").ok()? {
        // A thread may have ended meanwhile.
        let Ok(folder) = thread.map(|thread| thread.path()) else { continue };
        let Ok(found) = fs::read_to_string(folder.join("comm")) else { continue };
        // The kernel stores only 15 bytes of a thread's name.
        if found.trim_end() == &name[..name.len().min(15)]
            && let Some(used) = fs::read_to_string(folder.join("stat")).ok().as_deref().and_then(ticks)
        {
            sum = Some(sum.unwrap_or(0.0) + used);
        }
    }
    sum
}

/// A process's resident memory in bytes: now, and the peak so far.
pub fn memory(process: u32) -> Option<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    Some((kibibytes(&status, "VmRSS:")? * 1024.0, kibibytes(&status, "VmHWM:")? * 1024.0))
}

fn ticks(stat: &str) -> Option<f64> {
    // The name in brackets may contain spaces and brackets. The state and numbers follow it.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_S)
}

fn runtime_ms(sched: &str) -> Option<f64> {
    let line = sched.lines().find_map(|line| line.strip_prefix("se.sum_exec_runtime"))?;
    line.trim_start().strip_prefix(':')?.trim().parse().ok()
}

fn kibibytes(status: &str, name: &str) -> Option<f64> {
    status.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_is_read() {
        let stat = "7 (a) (b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 8 0 100 1 2";
        assert_eq!(ticks(stat), Some(3.0));
        assert_eq!(ticks("nonsense"), None);
    }

    #[test]
    fn exact_times_are_read_where_the_kernel_has_them() {
        let sched =
            "cat (1, #threads: 1)\n---\nse.vruntime       :     7.0\nse.sum_exec_runtime     :     12.5\n";
        assert_eq!(runtime_ms(sched), Some(12.5));
        assert_eq!(runtime_ms("nonsense"), None);
    }

    #[test]
    fn memory_is_read_from_the_status() {
        let status = "Name:\tx\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(204_800.0));
        assert_eq!(kibibytes(status, "VmRSS:"), Some(102_400.0));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_and_threads() {
        let (now, most) = memory(std::process::id()).unwrap();
        assert!(now > 0.0 && most >= now);
        assert!(cpu_s(std::process::id()).is_some() && exact_cpu_s(std::process::id()).is_some());
        let found = std::thread::Builder::new()
            .name("usage-test".to_owned())
            .spawn(|| cpu_of_threads_s("usage-test"))
            .unwrap()
            .join()
            .unwrap();
        assert!(found.is_some());
    }
}

//! The Rust house of the zoo: one thread for each way to wait in Rust's standard library.
//!
//! Prints the same lines as waits_zoo.c. Where a lock lies inside its object is the compiler's
//! choice, so an address is given as 0xADDRESS+SIZE. Rust records no owner.

use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Barrier, Condvar, Mutex, Once, OnceLock, RwLock};
use std::thread;
use std::time::Duration;

extern "C" {
    fn gettid() -> i32;
    fn pause() -> i32;
}

const FAR: Duration = Duration::from_secs(36000);

static MUTEX: Mutex<i32> = Mutex::new(0);
static RWLOCK: RwLock<i32> = RwLock::new(0);
static READ_LOCK: RwLock<i32> = RwLock::new(0);
static CONDITION_MUTEX: Mutex<i32> = Mutex::new(0);
static CONDITION: Condvar = Condvar::new();
static TIMED_CONDITION: Condvar = Condvar::new();
static ONCE: Once = Once::new();
static CELL: OnceLock<i32> = OnceLock::new();
static TIDS: Mutex<Vec<i32>> = Mutex::new(Vec::new());
static ONCE_TID: AtomicI32 = AtomicI32::new(0);

fn tid() -> i32 {
    unsafe { gettid() }
}

fn pause_for_ever() -> ! {
    loop {
        unsafe { pause() };
    }
}

/// The last words of a thread before it blocks.
fn will_wait(reason: &str, object: &str, addr: &str, holder: &str, timed: &str) {
    println!("wait {} {} {} {} {} {}", tid(), reason, object, addr, holder, timed);
    TIDS.lock().unwrap().push(tid());
}

fn addr<T>(object: &T) -> String {
    format!("{:p}+{}", object, std::mem::size_of::<T>())
}

fn sleeper_switches(tid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/self/task/{}/status", tid)).ok()?;
    if !text.lines().any(|line| line.starts_with("State:\tS")) {
        return None;
    }
    let line = text.lines().find(|line| line.starts_with("voluntary_ctxt_switches:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn wait_until_asleep(tid: i32) {
    let mut before = None;
    loop {
        let now = sleeper_switches(tid);
        if now.is_some() && now == before {
            return;
        }
        before = now;
        thread::sleep(Duration::from_millis(1));
    }
}

/// One after another: each sleeps before the next one starts.
fn start<F: FnOnce() + Send + 'static>(function: F) {
    let before = TIDS.lock().unwrap().len();
    thread::spawn(function);
    while TIDS.lock().unwrap().len() == before {
        thread::sleep(Duration::from_millis(1));
    }
    let last = *TIDS.lock().unwrap().last().unwrap();
    wait_until_asleep(last);
}

fn keep_locks() {
    let _mutex = MUTEX.lock();
    let _written = RWLOCK.write();
    let _read = READ_LOCK.read();
    will_wait("pause", "-", "-", "-", "-");
    pause_for_ever();
}

fn stay_in_once() {
    ONCE_TID.store(tid(), Ordering::SeqCst);
    will_wait("pause", "-", "-", "-", "-");
    pause_for_ever();
}

fn start_locks() {
    start(keep_locks);
    start(|| {
        will_wait("mutex", "mutex", &addr(&MUTEX), "-", "-");
        let _guard = MUTEX.lock();
    });
    start(|| {
        will_wait("rwlock-read", "rwlock", &addr(&RWLOCK), "-", "-");
        let _guard = RWLOCK.read();
    });
    start(|| {
        will_wait("rwlock-write", "rwlock", &addr(&READ_LOCK), "-", "-");
        let _guard = READ_LOCK.write();
    });
    start(|| {
        let guard = CONDITION_MUTEX.lock().unwrap();
        will_wait("condition", "condition", &addr(&CONDITION), "-", "-");
        let _guard = CONDITION.wait(guard);
    });
    start(|| {
        let guard = CONDITION_MUTEX.lock().unwrap();
        will_wait("condition", "condition", &addr(&TIMED_CONDITION), "-", "timed");
        let _guard = TIMED_CONDITION.wait_timeout(guard, FAR);
    });
    start(|| {
        // Made of a mutex and a condition.
        let barrier = Arc::new(Barrier::new(2));
        will_wait("barrier", "barrier", &addr(&*barrier), "-", "-");
        barrier.wait();
    });
    start(|| ONCE.call_once(stay_in_once));
    start(|| {
        let holder = format!("{}?", ONCE_TID.load(Ordering::SeqCst));
        will_wait("once", "once", &addr(&ONCE), &holder, "-");
        ONCE.call_once(stay_in_once);
    });
    start(|| {
        CELL.get_or_init(|| {
            stay_in_once();
            0
        });
    });
    start(|| {
        let holder = format!("{}?", ONCE_TID.load(Ordering::SeqCst));
        will_wait("once", "once", &addr(&CELL), &holder, "-");
        CELL.get_or_init(|| 0);
    });
}

fn start_parking() {
    start(|| {
        will_wait("park", "futex", "?", "-", "-");
        thread::park();
    });
    start(|| {
        will_wait("park", "futex", "?", "-", "timed");
        thread::park_timeout(FAR);
    });
    start(|| {
        let (_sender, receiver) = channel::<i32>();
        will_wait("park", "futex", "?", "-", "-");
        let _ = receiver.recv();
    });
    start(|| {
        let (_sender, receiver) = channel::<i32>();
        will_wait("park", "futex", "?", "-", "timed");
        let _ = receiver.recv_timeout(FAR);
    });
    start(|| {
        let (sender, _receiver) = sync_channel::<i32>(1);
        let _ = sender.send(1);
        will_wait("park", "futex", "?", "-", "-");
        let _ = sender.send(2);
    });
    start(|| {
        thread::scope(|scope| {
            let before = TIDS.lock().unwrap().len();
            scope.spawn(|| {
                will_wait("pause", "-", "-", "-", "-");
                pause_for_ever();
            });
            while TIDS.lock().unwrap().len() == before {
                thread::sleep(Duration::from_millis(1));
            }
            will_wait("park", "futex", "?", "-", "-");
        });
    });
}

fn start_others() {
    start(|| {
        let (sender, receiver) = channel();
        let joined = thread::spawn(move || {
            will_wait("pause", "-", "-", "-", "-");
            sender.send(tid()).unwrap();
            pause_for_ever();
        });
        let joined_tid = receiver.recv().unwrap();
        println!("joined {} {}", joined_tid, tid());
        will_wait("join", "thread", "?", &joined_tid.to_string(), "-");
        let _ = joined.join();
    });
    start(|| {
        will_wait("sleep", "-", "-", "-", "timed");
        thread::sleep(FAR);
    });
}

fn main() {
    start_locks();
    start_parking();
    start_others();
    let tids = TIDS.lock().unwrap().clone();
    for tid in &tids {
        wait_until_asleep(*tid);
    }
    println!("wait {} pause - - - -", tid());
    println!("threads {} busy 0\nready", tids.len() + 1);
    pause_for_ever();
}

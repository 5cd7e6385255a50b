//! Two threads wait for each other's std::sync::Mutex.
//!
//! Rust's mutexes are one word that names no owner.

use std::io::Write;
use std::sync::{Barrier, Mutex};
use std::thread;

static SAVINGS: Mutex<i64> = Mutex::new(100);
static CURRENT: Mutex<i64> = Mutex::new(100);
static BOTH_HAVE_ONE: Barrier = Barrier::new(3);

#[inline(never)]
fn transfer(from: &Mutex<i64>, to: &Mutex<i64>, amount: i64) {
    let mut first = from.lock().unwrap();
    BOTH_HAVE_ONE.wait();
    let mut second = to.lock().unwrap();
    *first -= amount;
    *second += amount;
}

fn main() {
    let saver = thread::spawn(|| transfer(&CURRENT, &SAVINGS, 10));
    let _spender = thread::spawn(|| transfer(&SAVINGS, &CURRENT, 20));
    BOTH_HAVE_ONE.wait();
    println!("ready");
    std::io::stdout().flush().unwrap();
    saver.join().unwrap();
}

//go:build cgo

// A ledger in C whose two locks are taken in crossed order, and a Go service in front of it: each
// request leaves a goroutine behind that nobody answers any more.
package main

/*
#cgo LDFLAGS: -pthread
#include <pthread.h>

static pthread_mutex_t accounts = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t journal = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

static void prepare(void)
{
	pthread_barrier_init(&both, NULL, 2);
}

static __attribute__((noinline)) void lock_both(pthread_mutex_t *first, pthread_mutex_t *second)
{
	pthread_mutex_lock(first);
	pthread_barrier_wait(&both);
	pthread_mutex_lock(second);
	pthread_mutex_unlock(second);
	pthread_mutex_unlock(first);
}

static void debit(void)
{
	lock_both(&accounts, &journal);
}

static void post(void)
{
	lock_both(&journal, &accounts);
}
*/
import "C"

import "samples/truth"

type answer struct{ ok bool }

func debit(done chan<- answer) { C.debit(); done <- answer{true} }
func post(done chan<- answer)  { C.post(); done <- answer{true} }

func request(ledger <-chan answer, reply chan<- answer) {
	reply <- <-truth.ToReceive(ledger)
}

func main() {
	C.prepare()
	ledger := make(chan answer)
	go debit(ledger)
	go post(ledger)
	for i := 0; i < 200; i++ {
		go request(ledger, make(chan answer))
	}
	truth.Ready(0)
	truth.Rest()
}

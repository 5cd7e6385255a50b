//go:build cgo

// Goroutines blocked inside C: directly, below a chain of C functions, and on a C mutex.
package main

/*
#cgo LDFLAGS: -pthread
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static __attribute__((noinline)) int rest(int depth)
{
	int a = depth ? rest(depth - 1) : pause();
	return a + depth;
}

static void lock(void)
{
	pthread_mutex_lock(&mutex);
}
*/
import "C"

import (
	"runtime"

	"samples/truth"
)

func inC(depth int)   { C.rest(C.int(depth)) }
func lockTwice()      { C.lock(); C.lock() }
func bound()          { runtime.LockOSThread(); C.pause() }
func inGo(c chan int) { <-truth.ToReceive(c) }

func main() {
	go inC(0)
	go inC(5)
	go lockTwice()
	go bound()
	go inGo(make(chan int))
	truth.Ready(0)
	truth.Rest()
}

//go:build go1.27 || goexperiment.goroutineleakprofile

// The runtime itself has looked for leaked goroutines before the core was taken, and has marked
// what it found; what it cannot call leaked is there too.
package main

import (
	"io"
	"runtime/pprof"
	"sync"
	"time"

	"samples/truth"
)

const long = 1000 * time.Hour

var global = make(chan int)

func leaked(c chan int) { <-truth.ToReceive(c) }
func leakedSelect(a, b chan int) {
	truth.Selecting(truth.Send(b), truth.Receive(a))
	select {
	case <-a:
	case b <- 1:
	}
}
func leakedNil(c chan int) { truth.ToSend(c) <- 1 }
func leakedWait(jobs *sync.WaitGroup) {
	truth.OnObject("waitgroup", jobs, "counter=1", "waiters=1")
	jobs.Wait()
}
func held(c chan int) { <-truth.ToReceive(c) }
func reachable()      { <-truth.ToReceive(global) }
func sleeping()       { truth.Sleeping(long); time.Sleep(long) }

type big struct {
	jobs sync.WaitGroup
	_    [64]byte
}

func main() {
	kept := make(chan int)
	b := new(big)
	b.jobs.Add(1)
	for i := 0; i < 4; i++ {
		go leaked(make(chan int))
	}
	go leakedSelect(make(chan int), make(chan int))
	go leakedNil(nil)
	go leakedWait(&b.jobs)
	b = nil
	go held(kept)
	go reachable()
	go sleeping()
	truth.Settle()
	if err := pprof.Lookup("goroutineleak").WriteTo(io.Discard, 1); err != nil {
		panic(err)
	}
	truth.Ready(0)
	truth.Rest()
	close(kept)
}

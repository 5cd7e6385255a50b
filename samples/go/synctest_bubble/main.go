//go:build go1.25

// Goroutines in a bubble of testing/synctest: durably blocked, blocked on what is outside, and
// the one that waits for all of them.
package main

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"samples/truth"
)

func receive(c chan int) { <-truth.ToReceive(c) }
func selectTwo(a, b chan int) {
	truth.Selecting(truth.Send(b), truth.Receive(a))
	select {
	case <-a:
	case b <- 1:
	}
}
func waitForAll(wg *sync.WaitGroup) {
	truth.OnObject("waitgroup", wg, "counter=1", "waiters=1")
	wg.Wait()
}
func sleep()         { truth.SleepingInBubble(time.Now().Add(time.Hour)); time.Sleep(time.Hour) }
func selectNothing() { truth.Selecting(); select {} }

func waitForChange(changed *sync.Cond) {
	changed.L.Lock()
	truth.OnObject("go-cond", changed, fmt.Sprintf("locker=%p", changed.L))
	changed.Wait()
}

func bubble(t *testing.T, outside, started chan int) {
	var wg sync.WaitGroup
	wg.Add(1)
	go receive(make(chan int))
	go receive(nil)
	go selectTwo(make(chan int), make(chan int))
	go selectNothing()
	go waitForAll(&wg)
	go waitForChange(sync.NewCond(new(sync.Mutex)))
	go sleep()
	go receive(outside)
	close(started)
	synctest.Wait()
}

func main() {
	outside, started := make(chan int), make(chan int)
	test := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { bubble(t, outside, started) })
	}
	go testing.Main(func(_, _ string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "bubble", F: test}}, nil, nil)
	<-started
	truth.Ready(0)
	truth.Rest()
}

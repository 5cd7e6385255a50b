//go:build go1.24

// A cleanup function waits for a channel, while others wait for their turn.
package main

import (
	"runtime"
	"time"

	"samples/truth"
)

type resource struct {
	number int
	name   *string
}

func use(reached, c chan int) {
	for i := 0; i < 8; i++ {
		r := &resource{number: i, name: new(string)}
		runtime.AddCleanup(r, func(number int) {
			reached <- number
			<-truth.ToReceive(c)
		}, i)
	}
}

func main() {
	reached, c := make(chan int), make(chan int)
	use(reached, c)
	for waiting := true; waiting; {
		runtime.GC()
		select {
		case <-reached:
			waiting = false
		case <-time.After(time.Millisecond):
		}
	}
	truth.Ready(0)
	truth.Rest()
}

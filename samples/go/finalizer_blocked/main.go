// A finalizer waits for a channel, and with it the runtime's goroutine for finalizers.
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

func release(r *resource, c chan int) {
	r.number = <-truth.ToReceive(c)
}

func use(reached, c chan int) {
	for i := 0; i < 8; i++ {
		r := &resource{number: i, name: new(string)}
		runtime.SetFinalizer(r, func(r *resource) {
			reached <- r.number
			release(r, c)
		})
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

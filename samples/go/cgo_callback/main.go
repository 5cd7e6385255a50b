//go:build cgo

// Go called back from C: below a goroutine that called C, and in threads that C has started.
// Each callback waits for a channel.
package main

// #cgo LDFLAGS: -pthread
// void call_back(int depth);
// void start_threads(int number);
import "C"

import "samples/truth"

var (
	c       = make(chan int)
	started = make(chan int)
)

//export goCallback
func goCallback(depth C.int) {
	started <- int(depth)
	wait()
}

func wait() { <-truth.ToReceive(c) }

func viaC(depth int) { C.call_back(C.int(depth)) }

func main() {
	go viaC(0)
	<-started
	go viaC(4)
	<-started
	C.start_threads(3)
	for i := 0; i < 3; i++ {
		<-started
	}
	truth.Ready(0)
	truth.Rest()
}

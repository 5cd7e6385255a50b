// A goroutine started by one that has ended, which was started by one that has ended. With
// GODEBUG=tracebackancestors=10 the runtime keeps where each of them was started.
package main

import "samples/truth"

func leaf(c, started chan int) {
	started <- 1
	<-truth.ToReceive(c)
}

func parent(c, started chan int) {
	go leaf(c, started)
}

func grandparent(c, started chan int) {
	go parent(c, started)
}

func main() {
	c, started := make(chan int), make(chan int)
	for i := 0; i < 3; i++ {
		go grandparent(c, started)
		<-started
	}
	truth.Ready(0)
	truth.Rest()
}

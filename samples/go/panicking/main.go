// Goroutines that wait in deferred calls: while they return, while they panic, while a fault is
// turned into a panic, while they exit, and after they have recovered.
package main

import (
	"runtime"

	"samples/truth"
)

type node struct {
	next  *node
	value int
}

func receive(c chan int) { <-truth.ToReceive(c) }

func returning(c chan int) {
	defer receive(c)
}

func panics(c chan int) {
	defer func() {
		<-truth.ToReceive(c)
		recover()
	}()
	fail("out of order")
}

//go:noinline
func fail(why string) { panic(why) }

//go:noinline
func follow(n *node) int { return n.next.value }

func faults(c chan int) {
	defer func() { <-truth.ToReceive(c) }()
	println(follow(&node{}))
}

//go:noinline
func divide(a, b int) int { return a / b }

func divides(c chan int) {
	defer receive(c)
	println(divide(1, len(c)))
}

func indexes(c chan int) {
	defer receive(c)
	println(make([]int, 3)[cap(c)])
}

func exits(c chan int) {
	defer receive(c)
	runtime.Goexit()
}

func recovers(c chan int) {
	func() {
		defer func() { recover() }()
		fail("at first")
	}()
	<-truth.ToReceive(c)
}

func panicsTwice(c chan int) {
	defer func() {
		recover()
		<-truth.ToReceive(c)
	}()
	defer func() { panic("second") }()
	panic("first")
}

func main() {
	c := make(chan int, 3)
	d := make(chan int)
	go returning(d)
	go panics(d)
	go faults(d)
	go divides(d)
	go indexes(c)
	go exits(d)
	go recovers(d)
	go panicsTwice(d)
	truth.Ready(0)
	truth.Rest()
}

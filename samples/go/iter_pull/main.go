//go:build go1.23

// Iterators pulled from: coroutines that wait for their turn, one that never had it, one that
// waits for a channel inside, and one whose puller has ended.
package main

import (
	"iter"

	"samples/truth"
)

func count(yield func(int) bool) {
	for i := 0; yield(i); i++ {
	}
}

func receiveAll(c chan int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for n := range truth.ToReceive(c) {
			if !yield(n) {
				return
			}
		}
	}
}

func pairs(yield func(int, string) bool) {
	yield(1, "one")
	yield(2, "two")
}

func pull(started chan<- int, c <-chan int) {
	next, stop := iter.Pull(count)
	defer stop()
	next()
	started <- 1
	<-truth.ToReceive(c)
}

func pullFirst(started chan<- int, c <-chan int) {
	_, stop := iter.Pull(count)
	defer stop()
	started <- 1
	<-truth.ToReceive(c)
}

func pullPairs(started chan<- int, c <-chan int) {
	next, stop := iter.Pull2(pairs)
	defer stop()
	next()
	started <- 1
	<-truth.ToReceive(c)
}

func pullBlocked(c chan int) {
	next, stop := iter.Pull(receiveAll(c))
	defer stop()
	next()
}

func abandon(started chan<- int) {
	next, _ := iter.Pull(count)
	next()
	started <- 1
}

func main() {
	started, c := make(chan int), make(chan int)
	for _, f := range []func(chan<- int, <-chan int){pull, pullFirst, pullPairs} {
		go f(started, c)
		<-started
	}
	go abandon(started)
	<-started
	go pullBlocked(make(chan int))
	truth.Ready(0)
	truth.Rest()
}

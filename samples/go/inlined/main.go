// Goroutines that wait in functions which the compiler has put into their callers, at every
// place of the stack.
package main

import (
	"sync"

	"samples/truth"
)

var total int

func innermost(c chan int) int { return <-c }
func inner(c chan int) int     { return innermost(c) + 1 }
func middle(c chan int) int    { return inner(c) + 1 }

//go:noinline
func outer(c chan int) int { return middle(c) + middle(c) }

func outermost(c chan int) { total += outer(truth.ToReceive(c)) }

// The inlined part is in the middle: call is not inlined into its callers, viaCall is.
//
//go:noinline
func call(f func(chan int) int, c chan int) int { return f(c) + 1 }

func viaCall(c chan int) int { return call(innermost, c) }

//go:noinline
func around(c chan int) { total += viaCall(truth.ToReceive(c)) }

type counter struct {
	mutex sync.Mutex
	count int
}

func (k *counter) add(n int) { k.mutex.Lock(); k.count += n; k.mutex.Unlock() }
func (k *counter) next() {
	truth.OnObject("go-mutex", &k.mutex, "locked=true", "waiters=1")
	k.add(1)
}

func main() {
	k := &counter{}
	k.mutex.Lock()
	go outermost(make(chan int))
	go around(make(chan int))
	go k.next()
	go func() { k.add(middle(truth.ToReceive(make(chan int)))) }()
	truth.Ready(0)
	truth.Rest()
	k.mutex.Unlock()
}

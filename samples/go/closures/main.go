// What `go` can start: functions, closures inside closures, method values and expressions,
// methods of interfaces and of embedded fields, and calls by defer.
package main

import "samples/truth"

type waiter interface{ wait(c chan int) }

type base struct{ name string }

func (b base) wait(c chan int)     { <-truth.ToReceive(c) }
func (b *base) waitPtr(c chan int) { truth.ToSend(c) <- len(b.name) }

type derived struct {
	*base
	number int
}

type function func(chan int)

func (f function) wait(c chan int) { f(c) }

func plain(c chan int) { <-truth.ToReceive(c) }

func makeClosure(c chan int) func() {
	return func() { truth.ToSend(c) <- 1 }
}

func deferred(c chan int) {
	defer func() { <-truth.ToReceive(c) }()
}

func deferredMethod(b *base, c chan int) {
	defer b.waitPtr(c)
}

func init() {
	go plain(fresh())
	go func() { <-truth.ToReceive(fresh()) }()
}

var number = func() int {
	go func() { truth.ToSend(fresh()) <- 1 }()
	return 1
}()

func fresh() chan int { return make(chan int) }

func main() {
	b := &base{"b"}
	d := derived{b, 1}
	var w waiter = *b

	go plain(fresh())
	go func() { <-truth.ToReceive(fresh()) }()
	go func() {
		func() {
			go func() { truth.ToSend(fresh()) <- 2 }()
			<-truth.ToReceive(fresh())
		}()
	}()
	go makeClosure(fresh())()
	go b.wait(fresh())
	go b.waitPtr(fresh())
	go d.wait(fresh())
	go w.wait(fresh())
	go waiter(d).wait(fresh())
	go (*base).waitPtr(b, fresh())
	go waiter.wait(w, fresh())
	go function(plain).wait(fresh())
	value := b.waitPtr
	go value(fresh())
	go deferred(fresh())
	go deferredMethod(b, fresh())
	truth.Ready(0)
	truth.Rest()
}

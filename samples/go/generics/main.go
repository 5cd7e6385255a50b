// Goroutines in generic functions, methods of generic types and closures inside them.
package main

import "samples/truth"

type number interface{ ~int | ~float64 }

type queue[T any] struct{ items chan T }

func newQueue[T any]() *queue[T] { return &queue[T]{make(chan T)} }
func (q *queue[T]) take() T      { return <-truth.ToReceive(q.items) }
func (q *queue[T]) takeAll(f func(T)) {
	for {
		f(q.take())
	}
}
func (q queue[T]) put(item T) { truth.ToSend(q.items) <- item }

type pair[K comparable, V any] struct {
	key   K
	value V
}

func (p *pair[K, V]) wait(c chan K) {
	func() {
		p.key = <-truth.ToReceive(c)
	}()
}

//go:noinline
func sum[T number](c chan T) (total T) {
	for n := range truth.ToReceive(c) {
		total += n
	}
	return total
}

//go:noinline
func each[T any](c chan T, f func(T)) {
	for item := range truth.ToReceive(c) {
		f(item)
	}
}

func main() {
	go newQueue[int]().take()
	go newQueue[string]().takeAll(func(string) {})
	go (&queue[pair[string, []int]]{make(chan pair[string, []int])}).put(pair[string, []int]{})
	go (&pair[int, map[string]bool]{}).wait(make(chan int))
	go sum(make(chan float64))
	go sum(make(chan int))
	go each(make(chan *queue[bool]), func(q *queue[bool]) { q.take() })
	truth.Ready(0)
	truth.Rest()
}

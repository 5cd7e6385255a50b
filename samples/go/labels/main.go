// Goroutines with profiler labels: set, nested, inherited, and none.
package main

import (
	"context"
	"runtime/pprof"

	"samples/truth"
)

func wait(c chan int) { <-truth.ToReceive(c) }

// say puts the caller's labels into the truth.
func say(ctx context.Context) {
	pprof.ForLabels(ctx, func(key, value string) bool {
		truth.Note("label %d %s=%s", truth.ID(), key, value)
		return true
	})
}

func serve(ctx context.Context, started, c chan int) {
	say(ctx)
	started <- 1
	wait(c)
}

func serveNested(ctx context.Context, started, c chan int) {
	inner := pprof.Labels("phase", "lookup", "handler", "users/list")
	pprof.Do(ctx, inner, func(ctx context.Context) {
		serve(ctx, started, c)
	})
}

func main() {
	started, c := make(chan int), make(chan int)
	for _, handler := range []string{"users", "orders"} {
		labels := pprof.Labels("handler", handler, "tenant", "blue & \"green\"")
		pprof.Do(context.Background(), labels, func(ctx context.Context) {
			go serve(ctx, started, c)
			<-started
			go serveNested(ctx, started, c)
			<-started
		})
	}
	var many []string
	for _, letter := range "abcdefghijkl" {
		many = append(many, string(letter), "value of "+string(letter))
	}
	pprof.Do(context.Background(), pprof.Labels(many...), func(ctx context.Context) {
		go serve(ctx, started, c)
		<-started
	})
	go serve(context.Background(), started, c)
	<-started
	truth.Ready(0)
	truth.Rest()
}

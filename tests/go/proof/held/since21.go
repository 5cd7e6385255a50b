//go:build go1.21

package main

import (
	"context"
	"runtime"
	"sync"
)

var (
	pinner   runtime.Pinner
	pinned   *pair
	onceFunc func()
	stopIt   context.CancelFunc
)

func init() {
	add("pinned object", func() {
		pinned = &pair{c: make(chan int)}
		pinner.Pin(pinned)
		receive(pinned.c)
	}, func() { close(pinned.c); pinner.Unpin() })
	add("sync.OnceFunc", func() {
		c := make(chan int)
		onceFunc = sync.OnceFunc(func() { close(c) })
		receive(c)
	}, func() { onceFunc() })
	add("context.AfterFunc", func() {
		var ctx context.Context
		ctx, stopIt = context.WithCancel(context.Background())
		c := make(chan int)
		context.AfterFunc(ctx, func() { close(c) })
		receive(c)
	}, func() { stopIt() })
}

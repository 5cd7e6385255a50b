//go:build go1.24

package main

import (
	"runtime"
	"weak"
)

var (
	cleaned  *dropped
	weakOnly weak.Pointer[pair]
	weakBoth weak.Pointer[pair]
	strong   *pair
)

func init() {
	add("cleanup's argument", func() {
		c := make(chan int)
		receive(c)
		cleaned = &dropped{}
		runtime.AddCleanup(cleaned, func(c chan int) { close(c) }, c)
	}, func() { cleaned = nil; runtime.GC() })
	add("weak and strong pointer", func() {
		strong = &pair{c: make(chan int)}
		weakBoth = weak.Make(strong)
		receive(strong.c)
	}, func() { close(weakBoth.Value().c) })
	ways = append(ways, way{"weak pointer alone", func() {
		p := &pair{c: make(chan int)}
		weakOnly = weak.Make(p)
		receive(p.c)
	}, func() { close(weakOnly.Value().c) }, true})
}

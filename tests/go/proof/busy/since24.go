//go:build go1.24

package main

import (
	"runtime"
	"time"
)

//go:noinline
func dropCleanup(slow bool) chan bool {
	c := make(chan int)
	runtime.AddCleanup(&item{}, func(c chan int) {
		if slow {
			time.Sleep(50 * time.Microsecond)
		}
		close(c)
	}, c)
	return receive(c)
}

func init() {
	kinds["cleanups"] = func() {
		repeat(func() {
			var ended []chan bool
			for k := 0; k < 200; k++ {
				ended = append(ended, dropCleanup(k%8 == 0))
			}
			runtime.GC()
			for _, e := range ended {
				<-e
			}
		})
	}
}

//go:build go1.23

package main

import "iter"

var pulled func() (int, bool)

func init() {
	add("iter.Pull's coroutine", func() {
		c := make(chan int)
		receive(c)
		pulled, _ = iter.Pull(func(yield func(int) bool) {
			yield(1)
			close(c)
		})
		pulled()
	}, func() { pulled() })
}

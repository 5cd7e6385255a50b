// Package inner belongs to the program's module.
package inner

// Wait waits for what never comes.
//
//go:noinline
func Wait(c chan int) { <-c }

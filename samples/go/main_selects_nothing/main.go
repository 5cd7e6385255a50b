// main blocks for good on purpose; the program lives in another goroutine.
package main

import "samples/truth"

func live() {
	truth.Ready(0)
	truth.Rest()
}

func main() {
	go live()
	truth.Selecting()
	select {}
}

// Three servers are asked and the first answer is taken: two senders stay behind each time.
package main

import "samples/truth"

type answer struct {
	server int
	text   string
}

func query(server int, answers chan<- answer) {
	truth.Sending(answers)
	answers <- answer{server, "pong"}
	truth.Over()
}

func queryAll() answer {
	answers := make(chan answer)
	for server := 0; server < 3; server++ {
		go query(server, answers)
	}
	return <-answers
}

func main() {
	for i := 0; i < 4; i++ {
		queryAll()
	}
	truth.Ready(0)
	truth.Rest()
}

// Two halves are summed at the same time, but the second result is never read.
package main

import "samples/truth"

func sum(numbers []int, result chan<- int) {
	total := 0
	for _, number := range numbers {
		total += number
	}
	truth.Sending(result)
	result <- total
	truth.Over()
}

func sumConcurrent(numbers []int) int {
	left, right := make(chan int), make(chan int)
	go sum(numbers[:len(numbers)/2], left)
	go sum(numbers[len(numbers)/2:], right)
	return <-left
}

func main() {
	for i := 0; i < 5; i++ {
		sumConcurrent([]int{1, 2, 3, 4})
	}
	truth.Ready(0)
	truth.Rest()
}

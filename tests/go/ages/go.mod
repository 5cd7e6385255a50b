module ages

go 1.19

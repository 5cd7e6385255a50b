module example.net/yaml.x

go 1.19

module example.org/app.x

go 1.19

require example.net/yaml.x v0.0.0

replace example.net/yaml.x => ./yaml.x

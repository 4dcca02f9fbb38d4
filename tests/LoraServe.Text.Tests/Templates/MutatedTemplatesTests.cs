using LoraServe.Tests;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests.Templates;

public class MutatedTemplatesTests
{
    [Fact]
    public void Render_MutatedTemplates_EndsWithATextOrAnException()
    {
        var golden = GoldenData.Json("templates.json").EnumerateArray().ToList();
        var mutated = new MutatedTemplates(
            golden.ConvertAll(row => row.GetProperty("template").GetString()!), golden.ConvertAll(row => row.GetProperty("context")));

        for (var seed = 0; seed < 3000; seed++) mutated.Run(seed);

        mutated.Rendered.ShouldBeGreaterThan(200);
        mutated.NotCompiled.ShouldBeGreaterThan(300);
        mutated.NotRendered.ShouldBeGreaterThan(50);
    }
}

using LoraServe.Text.Tokenizers;
using Shouldly;
using Xunit;

namespace LoraServe.Text.Tests;

public class ArchitectureTests
{
    [Fact]
    public void Text_Assembly_NeedsTheFrameworkAlone() => typeof(Tokenizer).Assembly.GetReferencedAssemblies()
        .ShouldAllBe(assembly => assembly.Name!.StartsWith("System.", StringComparison.Ordinal));
}

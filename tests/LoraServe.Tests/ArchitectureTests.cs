namespace LoraServe.Tests;

public class ArchitectureTests
{
    [Fact]
    public void WebProject_CannotNameATensor() =>
        typeof(Program).Assembly.GetReferencedAssemblies().Select(assembly => assembly.Name).ShouldNotContain("TorchSharp");

    [Fact]
    public void Engine_KnowsNothingOfTheWeb() => typeof(Engine.Generation.LlmEngine).Assembly.GetReferencedAssemblies()
        .ShouldAllBe(assembly => !assembly.Name!.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal));
}

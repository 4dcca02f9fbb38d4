using LoraServe.Api.FineTuning;

namespace LoraServe.Tests.Api.FineTuning;

public class HyperparameterNamesTests
{
    private const string Path = "method.supervised.hyperparameters";

    [Theory]
    [InlineData("r: expected more", $"{Path}.lora.r", "expected more")]
    [InlineData("epochs: a: b", $"{Path}.n_epochs", "a: b")]
    [InlineData("max_sequence_length: a", $"{Path}.lora.max_seq_len", "a")]
    [InlineData("rank_pattern q_proj: a", $"{Path}.lora.rank_pattern", "rank_pattern q_proj: a")]
    [InlineData("epochs, steps: one", $"{Path}.n_epochs", "epochs, steps: one")]
    [InlineData("all is wrong", Path, "all is wrong")]
    public void Fault_OfTheEngine_HasItsPlaceInTheRequest(string fault, string param, string message)
    {
        var found = HyperparameterNames.Fault(fault);

        (found.Param, found.Message).ShouldBe((param, message));
    }
}

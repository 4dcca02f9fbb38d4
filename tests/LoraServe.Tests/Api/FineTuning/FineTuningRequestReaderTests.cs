using System.Text;
using LoraServe.Api.FineTuning;
using LoraServe.Api.Requests;
using LoraServe.Engine.Adapters.Catalog;
using LoraServe.Engine.Training.Settings;
using LoraServe.Training;
using Microsoft.AspNetCore.Http;

namespace LoraServe.Tests.Api.FineTuning;

public class FineTuningRequestReaderTests
{
    private const string Needed = "\"model\": \"base\", \"training_file\": \"file-1\"";

    [Fact]
    public async Task Read_EveryField_ReachesTheEngine()
    {
        var request = await ReadAsync("""
            {NEEDED, "suffix": "a-1", "method": {"type": "supervised", "supervised": {"hyperparameters": {
              "batch_size": 4, "learning_rate_multiplier": 0.5, "n_epochs": "auto",
              "lora": {"r": 8, "alpha": 16, "dropout": 0.1, "use_rslora": true, "use_dora": true, "target_modules": ["q_proj", "v_proj"],
                "rank_pattern": {"q_proj": 4}, "alpha_pattern": {"q_proj": 8.5}, "steps": 10, "learning_rate": 0.001, "schedule": "linear",
                "warmup_steps": 2, "weight_decay": 0.01, "max_grad_norm": 1, "max_seq_len": 128, "skip_too_long": true, "micro_batch_tokens": 64,
                "recompute": true, "evaluate_every": 5, "exact_match_examples": 3, "early_stopping": 2, "checkpoint_every": 4,
                "output_dtype": "bfloat16"}}}}}
            """);

        var engine = Order(request).ToEngine("folder").Hyperparameters;

        engine.TargetModules.ShouldBe(["q_proj", "v_proj"]);
        (engine with { TargetModules = null }).ShouldBeEquivalentTo(new Hyperparameters
        {
            Rank = 8,
            Alpha = 16,
            Dropout = 0.1,
            UseRsLora = true,
            UseDora = true,
            RankPattern = new Dictionary<string, int> { ["q_proj"] = 4 },
            AlphaPattern = new Dictionary<string, double> { ["q_proj"] = 8.5 },
            Steps = 10,
            BatchSize = 4,
            MicroBatchTokens = 64,
            LearningRate = 0.001,
            LearningRateMultiplier = 0.5,
            Schedule = LearningRateSchedule.Linear,
            WarmupSteps = 2,
            WeightDecay = 0.01,
            MaxGradientNorm = 1,
            MaxSequenceLength = 128,
            SkipTooLong = true,
            Recompute = true,
            Seed = 7,
            EvaluateEvery = 5,
            ExactMatchExamples = 3,
            EarlyStopping = 2,
            CheckpointEvery = 4,
            OutputDtype = "bfloat16",
        });
    }

    [Fact]
    public async Task Read_OlderPlaceOfHyperparameters_FillsWhatTheMethodLeavesOpen()
    {
        var request = await ReadAsync("""
            {NEEDED, "hyperparameters": {"batch_size": 2, "n_epochs": 3, "learning_rate_multiplier": "auto"},
             "method": {"type": "supervised", "supervised": {"hyperparameters": {"batch_size": 4, "lora": {"r": "auto", "target_modules": "all-linear"}}}}}
            """);

        var engine = Order(request).ToEngine("folder").Hyperparameters;

        (engine.BatchSize, engine.Epochs, engine.LearningRateMultiplier, engine.Rank).ShouldBe((4, 3, (double?)null, (int?)null));
        engine.TargetModules.ShouldBe(["all-linear"]);
    }

    // Each is refused before there is a job.
    [Theory]
    [InlineData("""{"r": 0}""", "method.supervised.hyperparameters.lora.r: expected auto or a whole number from 1 to 4096, found 0")]
    [InlineData("""{"r": -1}""", "lora.r")]
    [InlineData("""{"r": 2.5}""", "lora.r")]
    [InlineData("""{"r": "8"}""", "lora.r")]
    [InlineData("""{"r": 1e99}""", "lora.r")]
    [InlineData("""{"alpha": 0}""", "above 0")]
    [InlineData("""{"alpha": "NaN"}""", "lora.alpha")]
    [InlineData("""{"dropout": 1}""", "to below 1")]
    [InlineData("""{"dropout": -0.1}""", "lora.dropout")]
    [InlineData("""{"learning_rate": 0}""", "lora.learning_rate")]
    [InlineData("""{"learning_rate": -1e-4}""", "lora.learning_rate")]
    [InlineData("""{"learning_rate": "NaN"}""", "lora.learning_rate")]
    [InlineData("""{"learning_rate": 1e400}""", "lora.learning_rate")]
    [InlineData("""{"steps": 0}""", "lora.steps")]
    [InlineData("""{"warmup_steps": -1}""", "lora.warmup_steps")]
    [InlineData("""{"weight_decay": -1}""", "lora.weight_decay")]
    [InlineData("""{"schedule": "step"}""", "expected auto or cosine, linear, constant")]
    [InlineData("""{"target_modules": []}""", "lora.target_modules")]
    [InlineData("""{"target_modules": [1]}""", "lora.target_modules")]
    [InlineData("""{"target_modules": ""}""", "lora.target_modules")]
    [InlineData("""{"output_dtype": "int8"}""", "float32 or bfloat16")]
    [InlineData("""{"max_seq_len": 1}""", "lora.max_seq_len")]
    [InlineData("""{"use_dora": "yes"}""", "true or false")]
    [InlineData("""{"rank_pattern": {"q_proj": 0}}""", "lora.rank_pattern")]
    [InlineData("""{"alpha_pattern": {"q_proj": -1}}""", "lora.alpha_pattern")]
    [InlineData("""{"rank": 8}""", "method.supervised.hyperparameters.lora.rank: is not a field")]
    [InlineData("""[8]""", "method.supervised.hyperparameters.lora: expected")]
    public Task Read_WrongLora_IsRefused(string lora, string message) =>
        ShouldRefuseAsync("""{NEEDED, "method": {"type": "supervised", "supervised": {"hyperparameters": {"lora": LORA}}}}""".Replace("LORA", lora), message);

    [Theory]
    [InlineData("\"hyperparameters\": {\"batch_size\": 0}", "hyperparameters.batch_size")]
    [InlineData("\"hyperparameters\": {\"batch_size\": 257}", "hyperparameters.batch_size")]
    [InlineData("\"hyperparameters\": {\"n_epochs\": 51}", "hyperparameters.n_epochs")]
    [InlineData("\"hyperparameters\": {\"n_epochs\": \"many\"}", "hyperparameters.n_epochs")]
    [InlineData("\"hyperparameters\": {\"learning_rate_multiplier\": 0}", "hyperparameters.learning_rate_multiplier")]
    [InlineData("\"hyperparameters\": {\"beta\": 0.1}", "hyperparameters.beta: is not a field")]
    [InlineData("\"method\": {\"type\": \"dpo\", \"dpo\": {}}", "method.type: expected supervised")]
    [InlineData("\"method\": {\"type\": \"reinforcement\"}", "method.type: expected supervised")]
    [InlineData("\"integrations\": [{\"type\": \"wandb\"}]", "integrations")]
    [InlineData("\"suffix\": \"7\"", "suffix")]
    [InlineData("\"suffix\": \"a:b\"", "suffix")]
    [InlineData("\"suffix\": \"../../etc\"", "suffix")]
    [InlineData("\"suffix\": \"\"", "suffix")]
    [InlineData("\"suffix\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "suffix")]
    [InlineData("\"seed\": -1", "seed")]
    [InlineData("\"seed\": 2147483648", "seed")]
    [InlineData("\"validation_split\": 1", "validation_split")]
    [InlineData("\"validation_split\": 0.1, \"validation_file\": \"file-2\"", "found both")]
    [InlineData("\"metadata\": {\"a\": 1}", "metadata")]
    [InlineData("\"metadata\": {\"\": \"a\"}", "metadata")]
    [InlineData("\"unknown\": 1", "unknown: is not a field")]
    public Task Read_WrongField_IsRefused(string fields, string message) => ShouldRefuseAsync($"{{NEEDED, {fields}}}", message);

    [Fact]
    public async Task Read_SeveralFaults_SaysThemAll()
    {
        var refusal = await Should.ThrowAsync<InvalidRequestException>(() => ReadAsync(
            """{"suffix": "7", "seed": -1, "method": {"type": "dpo", "supervised": {"hyperparameters": {"lora": {"r": 0, "dropout": 2}}}}}"""));

        refusal.Faults.Select(fault => fault.Param).ShouldBe(
            [
                "model", "training_file", "suffix", "seed", "method.type", "method.supervised.hyperparameters.lora.r",
                "method.supervised.hyperparameters.lora.dropout",
            ],
            ignoreOrder: true);
    }

    [Theory]
    [InlineData("loraserve-demo", "ft:loraserve-demo:support")]
    [InlineData("HuggingFaceTB/SmolLM2-135M", "ft:SmolLM2-135M:support")]
    [InlineData("..a b..c", "ft:a-b.c:support")]
    [InlineData("///", "ft:base:support")]
    public void Name_OfAnyBase_IsValid(string baseModel, string name)
    {
        FineTuningRequestReader.Name(baseModel, "support").ShouldBe(name);
        AdapterName.IsValid(name).ShouldBeTrue();
    }

    [Fact]
    public void Name_OfLongBaseAndSuffix_LeavesRoomForCheckpoints()
    {
        var name = FineTuningRequestReader.Name(new string('b', 200), new string('s', 64));

        AdapterName.IsValid(CheckpointNames.Of(name, int.MaxValue)).ShouldBeTrue();
    }

    private static FineTuningOrder Order(FineTuningRequest request) => new()
    {
        Request = request,
        BaseFingerprint = "0f",
        Adapter = "ft:base:a-1",
        Seed = 7,
        TrainingFileName = "a.jsonl",
        ValidationFileName = null,
    };

    private static async Task ShouldRefuseAsync(string body, string message) =>
        (await Should.ThrowAsync<InvalidRequestException>(() => ReadAsync(body))).Message.ShouldContain(message);

    private static Task<FineTuningRequest> ReadAsync(string body)
    {
        var context = new DefaultHttpContext();
        context.Request.Body = new MemoryStream(Encoding.UTF8.GetBytes(body.Replace("NEEDED", Needed)));
        return FineTuningRequestReader.ReadAsync(context.Request, TestContext.Current.CancellationToken);
    }
}

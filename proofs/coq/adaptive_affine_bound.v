(** * What an adaptive solver returns: an affine bound for every grid

    Statement.   ‖Φ(z_0) − Φ(y_0)‖ ≤ e^{μT}‖ε‖ + E_y + E_z, each solve on a grid of its own from 0 to T, whatever chose
                 the steps. On a grid on record E_y = Σ_j e^{μ(T − t_{j+1})} e^{max(μ,0)h_j} ℓ₀(h_j) v(y_j). On any grid
                 with steps up to H, E_z = e^{μT} w (exp(λK T) − 1)/K with λ = (ℓ₀(H)/H) e^{max(−μ,0)H} and
                 w = v(y_0) + K‖ε‖; where K = 0 it is 0. Here v = ‖f‖, v(φ_t(y)) ≤ e^{μt}v(y), and ℓ₀(h) =
                 K h² [κ_b + x|b|ᵀ(I − x|A|)⁻¹κ] for a Runge–Kutta method with x = hK.
    Assumptions. any normed space; f is autonomous and K-Lipschitz, K ≥ 0; its exact flow is defined for all times, with
                 ‖φ_t(z) − φ_t(y)‖ ≤ e^{μt}‖z − y‖ for t ≥ 0 (exact_flow.v); any consistent explicit tableau with nodes
                 from 0 to 1; both solves reach T; exact arithmetic
    Source.      theory, section 8
    Verdict.     proved as stated
    Theorems.    speed_along_the_flow, speed_nearby, error_on_a_known_grid, error_on_any_grid, error_without_slope,
                 adaptive_affine_bound, runge_kutta_error_factor, runge_kutta_affine_bound,
                 affine_bound_from_one_sided *)

From Coq Require Import Reals Lra Psatz QArith Qreals List.
From NatrobProofs Require Import normed_space mean_value one_step_methods perturbed_recursion.
From NatrobProofs Require Import butcher_tableau tableaus local_error.
From NatrobProofs Require Import inner_product_space one_sided exact_flow mean_value.
Open Scope R_scope.
Open Scope vector_scope.

Section AdaptiveSolves.

Variable V : NormedSpace.
Variable f : V -> V.
Variable flow : R -> V -> V.
Variable K mu : R.
Hypothesis nonnegative : 0 <= K.
Hypothesis lipschitz_f : forall z y, ‖f z ⊖ f y‖ <= K * ‖z ⊖ y‖.
Hypothesis flow_starts : forall y, flow 0 y = y.
Hypothesis flow_composes : forall t s y, flow t (flow s y) = flow (t + s) y.
Hypothesis flow_solves : forall y t, has_derivative V (fun s => flow s y) t (f (flow t y)).
Hypothesis flow_grows : forall t z y, 0 <= t -> ‖flow t z ⊖ flow t y‖ <= exp (mu * t) * ‖z ⊖ y‖.

(** ** The speed *)

(** The flow carries the chord from y to φ_δ(y) to the chord from φ_t(y) to φ_{t+δ}(y). *)
Theorem speed_along_the_flow : forall t y, 0 <= t -> ‖f (flow t y)‖ <= exp (mu * t) * ‖f y‖.
Proof.
  intros t y forward. set (growth := exp (mu * t)). assert (0 < growth) as positive by apply exp_pos.
  apply Rnot_lt_le. intro more. set (excess := ‖f (flow t y)‖ - growth * ‖f y‖) in *.
  assert (0 < excess) as positive_excess by (unfold excess; lra).
  set (epsilon := excess / (2 * (1 + growth))).
  assert (0 < epsilon) as small by (apply Rdiv_lt_0_compat; lra).
  destruct (flow_solves y t epsilon small) as [delta_t [positive_t near_t]].
  destruct (flow_solves y 0 epsilon small) as [delta_0 [positive_0 near_0]].
  set (h := Rmin delta_t delta_0 / 2).
  assert (0 < Rmin delta_t delta_0) as room by (apply Rmin_pos; assumption).
  pose proof (Rmin_l delta_t delta_0). pose proof (Rmin_r delta_t delta_0).
  assert (0 < h) as step by (unfold h; lra).
  pose proof (near_t h ltac:(lra) ltac:(rewrite Rabs_right; unfold h in *; lra)) as at_t.
  pose proof (near_0 h ltac:(lra) ltac:(rewrite Rabs_right; unfold h in *; lra)) as at_0.
  rewrite flow_starts, Rplus_0_l in at_0.
  pose proof (flow_grows t (flow h y) y forward) as carried.
  rewrite flow_composes in carried. fold growth in carried.
  set (far := flow (t + h) y ⊖ flow t y) in *. set (near := flow h y ⊖ y) in *.
  assert (‖f (flow t y)‖ <= / h * ‖far‖ + epsilon) as first.
  { replace (f (flow t y)) with ((/ h) • far ⊖ ((/ h) • far ⊖ f (flow t y))) by vector.
    apply Rle_trans with (1 := norm_triangle _ _ _). rewrite norm_opposite, norm_scale.
    rewrite Rabs_right by (apply Rle_ge, Rlt_le, Rinv_0_lt_compat; assumption). lra. }
  assert (/ h * ‖near‖ <= ‖f y‖ + epsilon) as second.
  { rewrite <- (Rabs_right (/ h)) by (apply Rle_ge, Rlt_le, Rinv_0_lt_compat; assumption). rewrite <- norm_scale.
    replace ((/ h) • near) with (f y ⊕ ((/ h) • near ⊖ f y)) by vector.
    apply Rle_trans with (1 := norm_triangle _ _ _). lra. }
  pose proof (Rmult_le_compat_l (/ h) _ _ (Rlt_le _ _ (Rinv_0_lt_compat _ step)) carried) as scaled.
  pose proof (Rmult_le_compat_l growth _ _ (Rlt_le _ _ positive) second) as grown.
  assert ((1 + growth) * epsilon = excess / 2) as share by (unfold epsilon; field; lra).
  unfold excess in *. lra.
Qed.

Lemma speed_nearby : forall z y, ‖f z‖ <= ‖f y‖ + K * ‖z ⊖ y‖.
Proof.
  intros z y. replace (f z) with (f y ⊕ (f z ⊖ f y)) by vector.
  apply Rle_trans with (1 := norm_triangle _ _ _). pose proof (lipschitz_f z y). lra.
Qed.

(** ** A solve on any grid *)

(** One step misses the flow by at most v(y) e^{max(μ,0)h} ℓ₀(h): [local_error.v]. *)
Definition steps_as_well (psi : R -> V -> V) (factor : R -> R) (H : R) : Prop :=
  forall h y, 0 <= h <= H -> ‖psi h y ⊖ flow h y‖ <= ‖f y‖ * (exp (Rmax mu 0 * h) * factor h).

(** The states of a solve; [size] are the steps taken, whoever chose them. *)
Definition solve (psi : R -> V -> V) (size : nat -> R) (y : nat -> V) : Prop :=
  forall n, y (S n) = psi (size n) (y n).

(** t_n *)
Fixpoint time (size : nat -> R) (n : nat) : R :=
  match n with
  | O => 0
  | S before => time size before + size before
  end.

Lemma time_nonnegative : forall size, (forall n, 0 <= size n) -> forall n, 0 <= time size n.
Proof.
  intros size forward n. induction n as [|n step]; simpl; [lra|]. pose proof (forward n). lra.
Qed.

Section OneSolve.

Variable psi : R -> V -> V.
Variable factor : R -> R.
Variable H : R.
Hypothesis accurate : steps_as_well psi factor H.
Variable size : nat -> R.
Variable y : nat -> V.
Hypothesis steps : forall n, 0 <= size n <= H.
Hypothesis states : solve psi size y.

(** D_n: the distance from the flow of the start *)
Let distance (n : nat) : R := ‖y n ⊖ flow (time size n) (y O)‖.

(** D_{n+1} ≤ e^{μh}D_n + v(y_n) e^{max(μ,0)h} ℓ₀(h). Only the flow over one step leaves from y_n. *)
Lemma one_step_error : forall n,
  distance (S n) <= exp (mu * size n) * distance n + ‖f (y n)‖ * (exp (Rmax mu 0 * size n) * factor (size n)).
Proof.
  intro n. unfold distance. rewrite states. cbn [time]. destruct (steps n) as [forward capped].
  rewrite Rplus_comm, <- flow_composes.
  set (exact := flow (time size n) (y O)) in *. set (h := size n) in *.
  replace (psi h (y n) ⊖ flow h exact) with ((flow h (y n) ⊖ flow h exact) ⊕ (psi h (y n) ⊖ flow h (y n))) by vector.
  apply Rle_trans with (1 := norm_triangle _ _ _).
  pose proof (flow_grows h (y n) exact forward). pose proof (accurate h (y n) (conj forward capped)). lra.
Qed.

(** *** A grid on record *)

Theorem error_on_a_known_grid : forall N, distance N <= sum_below (fun j =>
  exp (mu * (time size N - time size (S j)))
    * (‖f (y j)‖ * (exp (Rmax mu 0 * size j) * factor (size j)))) N.
Proof.
  intro N.
  pose proof (perturbed_recursion distance (flow_factor mu (time size))
    (fun j => ‖f (y j)‖ * (exp (Rmax mu 0 * size j) * factor (size j)))) as recursion.
  specialize (recursion (fun n => Rlt_le _ _ (exp_pos _))).
  assert (distance O = 0) as at_start by (unfold distance; simpl; rewrite flow_starts, add_opposite, norm_zero; lra).
  rewrite at_start in recursion. specialize (fun step => recursion step N).
  rewrite allowance_of_a_flow in recursion. rewrite Rmult_0_r, Rplus_0_l in recursion. apply recursion.
  intro n. unfold flow_factor. cbn [time].
  replace (time size n + size n - time size n) with (size n) by ring. apply one_step_error.
Qed.

(** *** An unknown grid *)

Variable rate : R.
Hypothesis rate_nonnegative : 0 <= rate.
Hypothesis factor_within : forall h, 0 <= h <= H -> factor h <= rate * h.

(** λ = (ℓ₀(H)/H) e^{max(−μ,0)H} *)
Definition error_rate : R := rate * exp (Rmax (- mu) 0 * H).

Lemma error_rate_nonnegative : 0 <= error_rate.
Proof.
  apply Rmult_le_pos; [assumption|apply Rlt_le, exp_pos].
Qed.

(** u_n = e^{−μt_n}D_n obeys u_{n+1} ≤ u_n + λh(v_0 + K u_n): for μ ≥ 0 the factor e^{μh} of the local error cancels,
    for μ < 0 e^{|μ|h} is left. *)
Let carried_back (n : nat) : R := exp (- mu * time size n) * distance n.

Lemma cap_is_nonnegative : 0 <= H.
Proof.
  destruct (steps O). lra.
Qed.

Lemma exponentials_of_a_step : forall h, 0 <= h <= H ->
  exp (- mu * h) * exp (Rmax mu 0 * h) <= exp (Rmax (- mu) 0 * H).
Proof.
  intros h [forward capped]. rewrite <- exp_plus. pose proof cap_is_nonnegative.
  replace (- mu * h + Rmax mu 0 * h) with (Rmax (- mu) 0 * h).
  2: { unfold Rmax. destruct (Rle_dec mu 0), (Rle_dec (- mu) 0); nra. }
  assert (Rmax (- mu) 0 * h <= Rmax (- mu) 0 * H) as order by (apply Rmult_le_compat_l; [apply Rmax_r|assumption]).
  destruct order as [less|same]; [left; apply exp_increasing; assumption|rewrite same; lra].
Qed.

Lemma carried_back_recursion : forall n,
  carried_back (S n) <= carried_back n + error_rate * size n * (‖f (y O)‖ + K * carried_back n).
Proof.
  intro n. pose proof (one_step_error n) as step. destruct (steps n) as [forward capped].
  set (h := size n) in *. set (t := time size n).
  assert (0 <= t) as after by (apply time_nonnegative; intro m; apply steps).
  assert (0 <= distance n) as size_of_distance by apply norm_nonnegative.
  (* the speed at y_n *)
  assert (‖f (y n)‖ <= exp (mu * t) * (‖f (y O)‖ + K * carried_back n)) as speed.
  { apply Rle_trans with (1 := speed_nearby _ (flow t (y O))).
    pose proof (speed_along_the_flow t (y O) after). unfold carried_back. fold t.
    replace (exp (mu * t) * (‖f (y O)‖ + K * (exp (- mu * t) * distance n)))
      with (exp (mu * t) * ‖f (y O)‖ + K * (exp (mu * t) * exp (- mu * t)) * distance n) by ring.
    rewrite <- exp_plus. replace (mu * t + - mu * t) with 0 by ring. rewrite exp_0.
    unfold distance. fold t. lra. }
  assert (0 <= ‖f (y O)‖ + K * carried_back n) as both.
  { pose proof (norm_nonnegative V (f (y O))).
    pose proof (Rmult_le_pos _ _ nonnegative (Rmult_le_pos _ _ (Rlt_le _ _ (exp_pos (- mu * t))) size_of_distance)).
    unfold carried_back. fold t. lra. }
  set (w := ‖f (y O)‖ + K * carried_back n) in *.
  unfold carried_back at 1. cbn [time]. fold t h.
  replace (- mu * (t + h)) with (- mu * t + - mu * h) by ring. rewrite exp_plus.
  apply Rle_trans with (exp (- mu * t) * exp (- mu * h)
    * (exp (mu * h) * distance n + exp (mu * t) * w * (exp (Rmax mu 0 * h) * (rate * h)))).
  - apply Rmult_le_compat_l; [apply Rmult_le_pos; apply Rlt_le, exp_pos|].
    apply Rle_trans with (1 := step). apply Rplus_le_compat_l.
    pose proof (factor_within h (conj forward capped)) as within.
    assert (0 <= exp (Rmax mu 0 * h) * (rate * h)).
    { apply Rmult_le_pos; [apply Rlt_le, exp_pos|apply Rmult_le_pos; assumption]. }
    apply Rle_trans with (‖f (y n)‖ * (exp (Rmax mu 0 * h) * (rate * h))).
    + apply Rmult_le_compat_l; [apply norm_nonnegative|].
      apply Rmult_le_compat_l; [apply Rlt_le, exp_pos|assumption].
    + apply Rmult_le_compat_r; assumption.
  - replace (exp (- mu * t) * exp (- mu * h)
        * (exp (mu * h) * distance n + exp (mu * t) * w * (exp (Rmax mu 0 * h) * (rate * h))))
      with (exp (- mu * t) * (exp (- mu * h) * exp (mu * h)) * distance n
        + exp (- mu * t) * exp (mu * t) * (exp (- mu * h) * exp (Rmax mu 0 * h)) * (rate * h * w)) by ring.
    rewrite <- (exp_plus (- mu * h) (mu * h)), <- (exp_plus (- mu * t) (mu * t)).
    replace (- mu * h + mu * h) with 0 by ring. replace (- mu * t + mu * t) with 0 by ring. rewrite exp_0.
    pose proof (exponentials_of_a_step h (conj forward capped)) as exponentials.
    pose proof (Rmult_le_compat_r (rate * h * w) _ _
      (Rmult_le_pos _ _ (Rmult_le_pos _ _ rate_nonnegative forward) both) exponentials) as last.
    unfold carried_back, error_rate. fold t. lra.
Qed.

(** v_0 + K u_n ≤ v_0 e^{λK t_n} *)
Lemma speed_with_error : forall n,
  ‖f (y O)‖ + K * carried_back n <= ‖f (y O)‖ * exp (error_rate * K * time size n).
Proof.
  induction n as [|n step].
  - unfold carried_back, distance. simpl. rewrite flow_starts, add_opposite, norm_zero, !Rmult_0_r, exp_0. lra.
  - pose proof (carried_back_recursion n) as next. destruct (steps n) as [forward capped].
    set (h := size n) in *. cbn [time]. fold h. rewrite Rmult_plus_distr_l, exp_plus.
    set (v := ‖f (y O)‖) in *. set (e := exp (error_rate * K * time size n)) in *.
    pose proof error_rate_nonnegative as rate_sign.
    assert (0 <= error_rate * K * h) as gain by (apply Rmult_le_pos; [apply Rmult_le_pos|]; assumption).
    pose proof (exp_ineq1_le (error_rate * K * h)) as above.
    pose proof (Rmult_le_compat_l K _ _ nonnegative next) as scaled.
    assert (0 <= v * e) as sign by (apply Rmult_le_pos; [apply norm_nonnegative|apply Rlt_le, exp_pos]).
    apply Rle_trans with (v * e * (1 + error_rate * K * h)).
    + pose proof (Rmult_le_compat_r (1 + error_rate * K * h) _ _ ltac:(lra) step). lra.
    + rewrite <- Rmult_assoc. apply Rmult_le_compat_l; assumption.
Qed.

Theorem error_on_any_grid : forall N, 0 < K ->
  distance N <= exp (mu * time size N) * ‖f (y O)‖ * (exp (error_rate * K * time size N) - 1) / K.
Proof.
  intros N positive. pose proof (speed_with_error N) as bound. unfold carried_back in bound.
  set (t := time size N) in *. set (v := ‖f (y O)‖) in *. set (e := exp (error_rate * K * t)) in *.
  assert (distance N = exp (mu * t) * (exp (- mu * t) * distance N)) as carried.
  { rewrite <- Rmult_assoc, <- exp_plus. replace (mu * t + - mu * t) with 0 by ring. rewrite exp_0. ring. }
  rewrite carried. unfold Rdiv. rewrite !Rmult_assoc. apply Rmult_le_compat_l; [apply Rlt_le, exp_pos|].
  apply Rmult_le_reg_l with K; [assumption|].
  replace (K * (v * ((e - 1) * / K))) with (v * e - v) by (field; lra). lra.
Qed.

(** K = 0: f is constant, and no step misses. *)
Theorem error_without_slope : forall N, K = 0 -> rate = 0 -> distance N <= 0.
Proof.
  intros N no_slope no_rate.
  assert (forall n, carried_back n <= 0) as none.
  { induction n as [|n step].
    - unfold carried_back, distance. simpl. rewrite flow_starts, add_opposite, norm_zero, Rmult_0_r. lra.
    - pose proof (carried_back_recursion n) as next. unfold error_rate in next. rewrite no_rate in next. lra. }
  specialize (none N). unfold carried_back in none. pose proof (exp_pos (- mu * time size N)) as positive.
  apply Rnot_lt_le. intro more. pose proof (Rmult_lt_0_compat _ _ positive more). lra.
Qed.

End OneSolve.

(** ** Both solves *)

Theorem adaptive_affine_bound : forall psi factor H rate size_y size_z y z M N T,
  0 < K -> 0 <= rate -> steps_as_well psi factor H -> (forall h, 0 <= h <= H -> factor h <= rate * h) ->
  (forall n, 0 <= size_y n <= H) -> solve psi size_y y -> time size_y M = T ->
  (forall n, 0 <= size_z n <= H) -> solve psi size_z z -> time size_z N = T ->
  ‖z N ⊖ y M‖ <= exp (mu * T) * ‖z O ⊖ y O‖
    + sum_below (fun j => exp (mu * (T - time size_y (S j)))
        * (‖f (y j)‖ * (exp (Rmax mu 0 * size_y j) * factor (size_y j)))) M
    + exp (mu * T) * (‖f (y O)‖ + K * ‖z O ⊖ y O‖) * (exp (error_rate H rate * K * T) - 1) / K.
Proof.
  intros psi factor H rate size_y size_z y z M N T positive rate_sign accurate within steps_y solve_y end_y steps_z
    solve_z end_z.
  pose proof (error_on_a_known_grid psi factor H accurate size_y y steps_y solve_y M) as of_y.
  pose proof (error_on_any_grid psi factor H accurate size_z z steps_z solve_z rate rate_sign within N positive)
    as of_z.
  cbv zeta beta in of_y, of_z. rewrite end_y in of_y. rewrite end_z in of_z.
  assert (0 <= T) as forward by (rewrite <- end_z; apply time_nonnegative; intro n; apply steps_z).
  pose proof (flow_grows T (z O) (y O) forward) as growth.
  pose proof (speed_nearby (z O) (y O)) as speed.
  set (p := flow T (z O)) in *. set (q := flow T (y O)) in *.
  replace (z N ⊖ y M) with ((z N ⊖ p) ⊕ (p ⊖ q) ⊖ (y M ⊖ q)) by vector.
  pose proof (norm_triangle _ ((z N ⊖ p) ⊕ (p ⊖ q)) (opposite (y M ⊖ q))) as outer.
  pose proof (norm_triangle _ (z N ⊖ p) (p ⊖ q)) as inner. rewrite norm_opposite in outer.
  assert (1 <= exp (error_rate H rate * K * T)) as above_one.
  { assert (0 <= error_rate H rate * K * T) as sign.
    { apply Rmult_le_pos; [apply Rmult_le_pos|]; [apply error_rate_nonnegative|..]; assumption. }
    pose proof (exp_ineq1_le (error_rate H rate * K * T)). lra. }
  assert (exp (mu * T) * ‖f (z O)‖ * (exp (error_rate H rate * K * T) - 1) / K
    <= exp (mu * T) * (‖f (y O)‖ + K * ‖z O ⊖ y O‖) * (exp (error_rate H rate * K * T) - 1) / K) as larger.
  { apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; assumption|].
    apply Rmult_le_compat_r; [lra|]. apply Rmult_le_compat_l; [apply Rlt_le, exp_pos|assumption]. }
  lra.
Qed.

(** ** Runge–Kutta methods *)

(** ℓ₀(h) = K h² [κ_b + x|b|ᵀ(I − x|A|)⁻¹κ] *)
Definition error_factor (tableau : Tableau) (h : R) : R := K * h ^ 2 * bracket tableau (h * K).

Theorem runge_kutta_error_factor : forall tableau H, consistent tableau -> nodes_up_to 1 tableau -> 0 <= H ->
  steps_as_well (fun h => runge_kutta_step V tableau (fun _ => f) 0 h) (error_factor tableau) H /\
  0 <= K * H * bracket tableau (H * K) /\
  forall h, 0 <= h <= H -> error_factor tableau h <= K * H * bracket tableau (H * K) * h.
Proof.
  intros tableau H consistency nodes cap. destruct nodes as [one on_nodes].
  assert (Forall (fun node => 0 <= Q2R node) (map fst (stages tableau))) as positive_nodes.
  { revert on_nodes. apply Forall_impl. tauto. }
  split; [|split].
  - intros h y [forward _]. unfold error_factor. rewrite <- Rmult_assoc.
    replace (Rmax mu 0 * h) with (Rmax mu 0 * (h * 1)) by ring.
    apply (local_error_of_speed V f K (fun _ => True) (fun s => flow s y) y h 1 mu tableau 0); auto.
    + intros s [after _]. apply speed_along_the_flow. assumption.
    + split; assumption.
    + apply Forall_forall. auto.
  - apply Rmult_le_pos; [apply Rmult_le_pos; assumption|].
    apply (bracket_grows tableau (H * K) (H * K) positive_nodes); [apply Rmult_le_pos; assumption|lra].
  - intros h [forward capped]. unfold error_factor.
    assert (h * K <= H * K) as order by (apply Rmult_le_compat_r; assumption).
    destruct (bracket_grows tableau (h * K) (H * K) positive_nodes (Rmult_le_pos _ _ forward nonnegative) order)
      as [sign grows].
    replace (K * h ^ 2 * bracket tableau (h * K)) with (K * h * (h * bracket tableau (h * K))) by ring.
    replace (K * H * bracket tableau (H * K) * h) with (K * h * (H * bracket tableau (H * K))) by ring.
    apply Rmult_le_compat_l; [apply Rmult_le_pos; assumption|]. apply Rmult_le_compat; assumption.
Qed.

Theorem runge_kutta_affine_bound : forall tableau H size_y size_z y z M N T,
  let psi := fun h => runge_kutta_step V tableau (fun _ => f) 0 h in
  let rate := K * H * bracket tableau (H * K) in
  0 < K -> 0 <= H -> consistent tableau -> nodes_up_to 1 tableau ->
  (forall n, 0 <= size_y n <= H) -> solve psi size_y y -> time size_y M = T ->
  (forall n, 0 <= size_z n <= H) -> solve psi size_z z -> time size_z N = T ->
  ‖z N ⊖ y M‖ <= exp (mu * T) * ‖z O ⊖ y O‖
    + sum_below (fun j => exp (mu * (T - time size_y (S j)))
        * (‖f (y j)‖ * (exp (Rmax mu 0 * size_y j) * error_factor tableau (size_y j)))) M
    + exp (mu * T) * (‖f (y O)‖ + K * ‖z O ⊖ y O‖)
        * (exp (rate * exp (Rmax (- mu) 0 * H) * K * T) - 1) / K.
Proof.
  intros tableau H size_y size_z y z M N T psi rate positive cap consistency nodes. intros.
  destruct (runge_kutta_error_factor tableau H consistency nodes cap) as [accurate [rate_sign within]].
  apply (adaptive_affine_bound psi (error_factor tableau) H rate size_y size_z y z M N T); assumption.
Qed.

End AdaptiveSolves.

(** ** From a one-sided constant

    In an inner product space, as R^n with the Euclidean norm, μ makes the flow grow by e^{μt} at most. *)

Corollary affine_bound_from_one_sided : forall (E : InnerProductSpace) (f : E -> E) (flow : R -> E -> E) K mu,
  (forall z y, ‖f z ⊖ f y‖ <= K * ‖z ⊖ y‖) -> one_sided E (fun _ => f) mu ->
  (forall y, flow 0 y = y) -> (forall t s y, flow t (flow s y) = flow (t + s) y) ->
  (forall y t, has_derivative E (fun s => flow s y) t (f (flow t y))) ->
  forall tableau H size_y size_z y z M N T,
  let psi := fun h => runge_kutta_step E tableau (fun _ => f) 0 h in
  let rate := K * H * bracket tableau (H * K) in
  0 < K -> 0 <= H -> consistent tableau -> nodes_up_to 1 tableau ->
  (forall n, 0 <= size_y n <= H) -> solve E psi size_y y -> time size_y M = T ->
  (forall n, 0 <= size_z n <= H) -> solve E psi size_z z -> time size_z N = T ->
  ‖z N ⊖ y M‖ <= exp (mu * T) * ‖z O ⊖ y O‖
    + sum_below (fun j => exp (mu * (T - time size_y (S j)))
        * (‖f (y j)‖ * (exp (Rmax mu 0 * size_y j) * error_factor K tableau (size_y j)))) M
    + exp (mu * T) * (‖f (y O)‖ + K * ‖z O ⊖ y O‖)
        * (exp (rate * exp (Rmax (- mu) 0 * H) * K * T) - 1) / K.
Proof.
  intros E f flow K mu lipschitz constant starts composes solves tableau H size_y size_z y z M N T psi rate positive.
  intros. apply (runge_kutta_affine_bound E f flow K mu) with (size_z := size_z); try assumption; [lra|].
  intros t z' y' after. rewrite <- (Rminus_0_r t) at 3. rewrite <- (starts z') at 2. rewrite <- (starts y') at 2.
  apply (exact_flow_growth E (fun _ => f) mu 0 t (fun s => flow s z') (fun s => flow s y') after constant);
    intros s _; apply solves.
Qed.

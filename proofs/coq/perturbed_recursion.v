(** * Errors of each step, carried on by the steps after it

    Statement.   e_{n+1} ≤ G_n e_n + δ_n gives e_N ≤ (Π G_n) e_0 + A_N with A_0 = 0, A_{n+1} = G_n A_n + δ_n, and
                 A_N = Σ_i (Π_{j>i} G_j) δ_i. So two computed solutions, whose steps are off by at most ρ_y and ρ_z, are
                 at most as far apart as the bound and the allowance with δ = ρ_y + ρ_z say; and a distance beyond both
                 refutes a factor or an error.
    Assumptions. any normed space; G_n ≥ 0; nothing about where the errors come from
    Source.      theory, section 7; section 4 with G_n = e^{μ(t_{n+1} − t_n)}
    Verdict.     proved as stated
    Theorems.    perturbed_recursion, allowance_is_a_sum, inexact_steps, measured_distances, violation_refutes_a_step,
                 allowance_of_a_flow *)

From Coq Require Import Reals Lra Lia.
From NatrobProofs Require Import normed_space one_step_methods.
Open Scope R_scope.
Open Scope vector_scope.

(** A_0 = 0, A_{n+1} = G_n A_n + δ_n: the recursion that the code runs. *)
Fixpoint allowance (G delta : nat -> R) (n : nat) : R :=
  match n with
  | O => 0
  | S before => G before * allowance G delta before + delta before
  end.

Theorem perturbed_recursion : forall (distance G delta : nat -> R),
  (forall n, 0 <= G n) ->
  (forall n, distance (S n) <= G n * distance n + delta n) ->
  forall N, distance N <= product G N * distance O + allowance G delta N.
Proof.
  intros distance G delta nonnegative one_step N. induction N as [|n step]; simpl; [lra|].
  (* e_{n+1} ≤ G_n (Π G e_0 + A_n) + δ_n *)
  pose proof (Rmult_le_compat_l (G n) _ _ (nonnegative n) step). pose proof (one_step n). lra.
Qed.

Lemma allowance_nonnegative : forall G delta, (forall n, 0 <= G n) -> (forall n, 0 <= delta n) ->
  forall n, 0 <= allowance G delta n.
Proof.
  intros G delta growth errors n. induction n as [|n step]; simpl; [lra|].
  pose proof (Rmult_le_pos _ _ (growth n) step). pose proof (errors n). lra.
Qed.

(** ** The recursion in full *)

(** Π over i < j < N of G_j *)
Definition later_factors (G : nat -> R) (i N : nat) : R := product (fun k => G (S i + k)%nat) (N - S i).

(** Σ over i < N *)
Fixpoint sum_below (term : nat -> R) (N : nat) : R :=
  match N with
  | O => 0
  | S before => sum_below term before + term before
  end.

Lemma sum_below_extends : forall N one other,
  (forall i, (i < N)%nat -> one i = other i) -> sum_below one N = sum_below other N.
Proof.
  induction N as [|N step]; intros one other same; simpl; [reflexivity|].
  rewrite (step one other), (same N) by (intros; auto with arith). reflexivity.
Qed.

Lemma sum_below_multiple : forall N a term, sum_below (fun i => a * term i) N = a * sum_below term N.
Proof.
  induction N as [|N step]; intros a term; simpl; [ring|]. rewrite step. ring.
Qed.

Lemma one_more_factor : forall G i N, (i < N)%nat -> later_factors G i (S N) = G N * later_factors G i N.
Proof.
  intros G i N earlier. unfold later_factors. replace (S N - S i)%nat with (S (N - S i)) by lia. cbn [product].
  replace (S i + (N - S i))%nat with N by lia. reflexivity.
Qed.

Lemma last_has_no_factor : forall G N, later_factors G N (S N) = 1.
Proof.
  intros G N. unfold later_factors. replace (S N - S N)%nat with O by lia. reflexivity.
Qed.

(** Step N multiplies every earlier term by G_N and adds δ_N. *)
Theorem allowance_is_a_sum : forall G delta N,
  allowance G delta N = sum_below (fun i => later_factors G i N * delta i) N.
Proof.
  intros G delta N. induction N as [|N step]; simpl; [reflexivity|].
  rewrite step, <- sum_below_multiple, last_has_no_factor.
  rewrite (sum_below_extends N (fun i => G N * (later_factors G i N * delta i))
    (fun i => later_factors G i (S N) * delta i)); [ring|].
  intros i earlier. rewrite one_more_factor by assumption. ring.
Qed.

(** Σ_i G^{N−1−i} δ_i *)
Corollary allowance_of_equal_factors : forall G delta N,
  allowance (fun _ => G) delta N = sum_below (fun i => G ^ (N - S i) * delta i) N.
Proof.
  intros G delta N. rewrite allowance_is_a_sum. apply sum_below_extends. intros i earlier.
  unfold later_factors. rewrite product_of_equal_factors. reflexivity.
Qed.

(** A flow that grows by e^{μ(t_{n+1} − t_n)} over step n carries δ_i from t_{i+1} to the end. *)
Definition flow_factor (mu : R) (time : nat -> R) (n : nat) : R := exp (mu * (time (S n) - time n)).

Lemma product_of_flow_factors : forall mu time start n,
  product (fun k => flow_factor mu time (start + k)) n = exp (mu * (time (start + n)%nat - time start)).
Proof.
  intros mu time start n. induction n as [|n step]; simpl.
  - replace (start + 0)%nat with start by lia. replace (mu * (time start - time start)) with 0 by ring.
    rewrite exp_0. reflexivity.
  - rewrite step. unfold flow_factor. rewrite <- exp_plus. replace (start + S n)%nat with (S (start + n)) by lia.
    f_equal. ring.
Qed.

Theorem allowance_of_a_flow : forall mu time delta N,
  allowance (flow_factor mu time) delta N
    = sum_below (fun i => exp (mu * (time N - time (S i))) * delta i) N.
Proof.
  intros mu time delta N. rewrite allowance_is_a_sum. apply sum_below_extends. intros i earlier.
  unfold later_factors. rewrite product_of_flow_factors. replace (S i + (N - S i))%nat with N by lia. reflexivity.
Qed.

(** ** Computed solutions *)

Section InexactSteps.

Variable V : NormedSpace.

(** ŷ_{n+1} is off by at most ρ_n from the exact step from ŷ_n. *)
Definition computed (step : nat -> V -> V) (rho : nat -> R) (y : nat -> V) : Prop :=
  forall n, ‖y (S n) ⊖ step n (y n)‖ <= rho n.

(** G_n need only bound the growth of this pair, as for secant constants. *)
Theorem inexact_steps : forall step G z y rho_z rho_y,
  (forall n, 0 <= G n) ->
  (forall n, ‖step n (z n) ⊖ step n (y n)‖ <= G n * ‖z n ⊖ y n‖) ->
  computed step rho_z z -> computed step rho_y y ->
  forall N, ‖z N ⊖ y N‖ <= product G N * ‖z O ⊖ y O‖ + allowance G (fun n => rho_y n + rho_z n) N.
Proof.
  intros step G z y rho_z rho_y nonnegative growth of_z of_y.
  apply (perturbed_recursion (fun n => ‖z n ⊖ y n‖)); [assumption|]. intro n.
  set (p := step n (z n)) in *. set (q := step n (y n)) in *.
  (* ẑ' − ŷ' = (Φẑ − Φŷ) + (ẑ' − Φẑ) − (ŷ' − Φŷ) *)
  replace (z (S n) ⊖ y (S n)) with ((p ⊖ q) ⊕ (z (S n) ⊖ p) ⊖ (y (S n) ⊖ q)) by vector.
  pose proof (norm_triangle _ ((p ⊖ q) ⊕ (z (S n) ⊖ p)) (opposite (y (S n) ⊖ q))) as outer.
  pose proof (norm_triangle _ (p ⊖ q) (z (S n) ⊖ p)) as inner. rewrite norm_opposite in outer.
  pose proof (growth n) as grown. pose proof (of_z n) as error_z. pose proof (of_y n) as error_y.
  fold p q in grown. fold p in error_z. fold q in error_y. lra.
Qed.

(** Distances may themselves be measured with an error: τ_0 at the start, τ_N at the end. *)
Theorem measured_distances : forall step G z y rho_z rho_y (measured tau : nat -> R),
  (forall n, 0 <= G n) ->
  (forall n, ‖step n (z n) ⊖ step n (y n)‖ <= G n * ‖z n ⊖ y n‖) ->
  computed step rho_z z -> computed step rho_y y ->
  (forall n, Rabs (measured n - ‖z n ⊖ y n‖) <= tau n) ->
  forall N, measured N <= product G N * (measured O + tau O) + allowance G (fun n => rho_y n + rho_z n) N + tau N.
Proof.
  intros step G z y rho_z rho_y measured tau nonnegative growth of_z of_y close N.
  pose proof (inexact_steps step G z y rho_z rho_y nonnegative growth of_z of_y N) as bound.
  pose proof (Rle_trans _ _ _ (Rle_abs _) (close N)) as at_the_end.
  pose proof (close O) as at_the_start. rewrite <- Rabs_Ropp in at_the_start.
  pose proof (Rle_trans _ _ _ (Rle_abs _) at_the_start) as below.
  assert (product G N * ‖z O ⊖ y O‖ <= product G N * (measured O + tau O)) as carried.
  { apply Rmult_le_compat_l; [apply product_nonnegative; assumption|lra]. }
  lra.
Qed.

End InexactSteps.

(** What a violation says: some step grew by more than its factor and its error. *)
Theorem violation_refutes_a_step : forall (distance G delta : nat -> R) N,
  (forall n, 0 <= G n) ->
  product G N * distance O + allowance G delta N < distance N ->
  exists n, (n < N)%nat /\ G n * distance n + delta n < distance (S n).
Proof.
  intros distance G delta N nonnegative. induction N as [|N step]; simpl; intro violation; [lra|].
  destruct (Rlt_dec (G N * distance N + delta N) (distance (S N))) as [here|kept].
  - exists N. split; [lia|assumption].
  - destruct step as [n [earlier refuted]].
    + apply Rnot_le_lt. intro bound. pose proof (Rmult_le_compat_l (G N) _ _ (nonnegative N) bound). lra.
    + exists n. split; [lia|assumption].
Qed.
